"""PTDT from a generated prompt, with a fake diffuser."""

import dataclasses

import numpy as np
import pytest
import torch

from support.tuning_problem import ROWS
from trajprompt.adaptations.adaptation import Adaptation, Extra, HistoryRow
from trajprompt.errors import TrajpromptError
from trajprompt.settings.options import parse_options
from trajprompt.tuning.methods import diffuser_ptdt
from trajprompt.tuning.methods.diffuser_ptdt import DiffuserPtdtOptions, tune
from trajprompt.tuning.methods.ptdt_offline import OfflineOptions
from trajprompt.tuning.methods.ptdt_offline import tune as rank

RANKING = {"iterations": 2, "steps_per_iteration": 2, "batch": 4, "judging_batch": 8}


@pytest.fixture
def generated(monkeypatch, problem):
    """Inputs of a fake diffuser, and its prompts, one step from the initial prompts."""
    given = []
    start = problem.initial_prompts
    made = start._replace(states=start.states + 1.0)

    def generate(problem, options):
        given.append(problem)
        history = [
            HistoryRow(int(task), int(number), i, queries=5, gradient_steps=700)
            for task, number in zip(problem.rows, problem.prompts, strict=True)
            for i in (0, 1)
        ]
        extra = {"noise": Extra(np.zeros(3), "1", "denoising")}
        rows = np.zeros(ROWS, int)
        return Adaptation(made, made, rows, history, parameters=1000, extras=extra)

    monkeypatch.setattr(diffuser_ptdt, "diffuse", generate)
    return given, made


def test_ranking_starts_from_the_generated_prompt(problem, generated):
    given, made = generated
    adaptation = tune(problem, DiffuserPtdtOptions(ptdt=OfflineOptions(**RANKING)))
    assert given[0].initial_prompts is problem.initial_prompts
    assert torch.equal(adaptation.curve[0].states, made.states)
    assert not torch.equal(adaptation.last.states, made.states)
    alone = rank(
        dataclasses.replace(problem, initial_prompts=made, stream=problem.streams(2)[1]),
        OfflineOptions(**RANKING),
    )
    assert torch.equal(adaptation.last.states, alone.last.states)
    for entry, ranked in zip(adaptation.history, alone.history, strict=True):
        assert entry.queries == ranked.queries + 5
        assert entry.gradient_steps == 700
        assert entry.objective == ranked.objective
    assert adaptation.parameters == 1000 + alone.parameters
    # Every state differs by 1, because displacements start at the problem's prompt.
    first = [e.displacement for e in adaptation.history if e.iteration == 0]
    assert first == pytest.approx([made.states[0].numel() ** 0.5] * ROWS, rel=1e-5)
    assert set(adaptation.extras) == {"noise"}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"ptdt": {"eta": 1.0}}, "here.ptdt.eta: found an unknown key"),
        ({"ptdt": {"ranked": 16}}, "here.ptdt.ranked: found 16"),
        ({"diffuser": {"nothing": 1}}, "here.diffuser.nothing: found an unknown key"),
        ({"ptdt": 3}, "here.ptdt: found 3"),
    ],
)
def test_wrong_options_of_either_are_named(values, message):
    with pytest.raises(TrajpromptError, match=message):
        parse_options(DiffuserPtdtOptions, values, "here")
