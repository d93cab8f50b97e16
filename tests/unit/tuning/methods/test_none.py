"""The method that leaves the initial prompts as they are."""

import dataclasses

from trajprompt.tuning.methods.none import NoOptions
from trajprompt.tuning.registry import get_method


def test_none_hands_the_initial_prompts_back(problem):
    adaptation = get_method("none").tune(problem, NoOptions())
    assert adaptation.last is problem.initial_prompts is adaptation.best
    without = dataclasses.replace(problem, initial_prompts=None)
    assert get_method("none").tune(without, NoOptions()).last is None
