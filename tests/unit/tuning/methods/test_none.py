"""The method that does not change the initial prompts."""

import dataclasses

from trajprompt.tuning.methods.none import NoOptions
from trajprompt.tuning.registry import get_method


def test_none_returns_the_initial_prompts(problem):
    adaptation = get_method("none").tune(problem, NoOptions())
    assert adaptation.last is problem.initial_prompts is adaptation.best
    without = dataclasses.replace(problem, initial_prompts=None)
    assert get_method("none").tune(without, NoOptions()).last is None
