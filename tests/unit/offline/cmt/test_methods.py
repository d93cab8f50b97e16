"""The methods that tune a Contextual Meta Transformer."""

import dataclasses

import pytest
import torch

from support.cmt_problem import window
from support.cmt_tuning import SIZES, make_cmt_problem
from support.stopping import Stopped, interrupt
from trajprompt.adaptations.read import read_adaptation
from trajprompt.adaptations.write import write_adaptation
from trajprompt.artifacts.checkpoint import Checkpoint
from trajprompt.errors import TrajpromptError
from trajprompt.models.cmt.model import CONSTANT
from trajprompt.tuning.methods.cmt_adaptor import CmtAdaptorOptions
from trajprompt.tuning.methods.cmt_best_prompt import BestPromptOptions
from trajprompt.tuning.registry import get_method, methods

TINY = CmtAdaptorOptions(hidden=4, updates=8, batch=16, points=4, learning_rate=0.01)
OPTIONS = {"cmt-adaptor": TINY, "cmt-best-prompt": BestPromptOptions()}


def tuned_by(name, options=None, checkpoint=None):
    """The problem and its adaptation."""
    problem = make_cmt_problem(checkpoint)
    return problem, get_method(name).tune(problem, options or OPTIONS[name])


def test_all_methods_for_it_are_tested_here():
    found = {name for name, one in methods().items() if one.reads_relabelled}
    assert found == OPTIONS.keys()


@pytest.mark.parametrize("name", OPTIONS)
def test_the_backbone_is_frozen_and_the_file_is_complete(name, tmp_path):
    state = make_cmt_problem().backbone.model.state_dict()
    before = {key: value.clone() for key, value in state.items()}
    problem, adaptation = tuned_by(name)
    for key, value in problem.backbone.model.state_dict().items():
        assert torch.equal(value, before[key]), key
    assert all(p.grad is None for p in problem.backbone.model.parameters())
    write_adaptation(tmp_path / "a.h5", problem, adaptation, {"method": name})
    stored = read_adaptation(tmp_path / "a.h5")
    weights = stored.weights[0]
    assert sum(w.numel() for w in weights.values()) == adaptation.parameters
    changed = problem.backbone.with_weights(weights)
    assert changed.family == "history"
    data, best = problem.require_relabelled()
    if name == "cmt-best-prompt":
        assert torch.equal(weights[CONSTANT], best)
    else:
        assert stored.extras["prompts_after"].values.shape == data.prompts.shape


@pytest.mark.parametrize("name", OPTIONS)
def test_same_seed_same_bytes(name, tmp_path):
    for file in ("a", "b"):
        write_adaptation(tmp_path / file, *tuned_by(name), {})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("at", [0, 3])
def test_a_resumed_adaptor_has_the_same_bytes(tmp_path, at):
    target = tmp_path / "seed0.h5"
    interrupt(Stopped(target, at), lambda c: tuned_by("cmt-adaptor", checkpoint=c))
    for file, checkpoint in (("a", Checkpoint()), ("b", Checkpoint(target, "test"))):
        write_adaptation(
            tmp_path / file, *tuned_by("cmt-adaptor", checkpoint=checkpoint), {}
        )
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def actions(backbone, prompts):
    given = window(len(prompts))
    states = torch.randn(*given[0].shape[:2], SIZES["state_dim"], generator=seeded())
    taken = torch.rand(*given[1].shape[:2], SIZES["action_dim"], generator=seeded())
    return backbone.model.generator(prompts, states, taken, given[2]).actions


def seeded():
    return torch.Generator().manual_seed(0)


def test_the_adaptor_starts_as_the_identity():
    """The history's first entry is of the fresh adaptor: no drift, bits of stage 1."""
    problem, adaptation = tuned_by("cmt-adaptor")
    assert adaptation.history[0].iteration == 0
    assert adaptation.history[0].displacement == 0.0
    data, _ = problem.require_relabelled()
    rows = torch.arange(len(data.gains))
    found = problem.backbone.model.generator(
        data.prompts, data.states, data.window_actions, data.rewards
    ).actions[rows, data.places]
    expected = (found - data.actions).square().mean().item()
    assert adaptation.history[0].objective == pytest.approx(expected, rel=1e-5)


def test_the_objective_falls_and_the_iterations_are_those_of_the_options():
    _, adaptation = tuned_by("cmt-adaptor", dataclasses.replace(TINY, behaviour=0.0))
    assert [row.iteration for row in adaptation.history] == [0, 2, 4, 6, 8]
    objectives = [row.objective for row in adaptation.history]
    assert objectives[-1] < objectives[0]


def test_a_huge_behaviour_constraint_keeps_the_actions():
    """Adam's steps are as large as its rate whatever the loss, so the rate is small."""
    options = CmtAdaptorOptions(behaviour=1e6, learning_rate=1e-6)
    problem = make_cmt_problem(noise=0.05)
    adaptation = get_method("cmt-adaptor").tune(problem, options)
    data, _ = problem.require_relabelled()
    changed = problem.backbone.with_weights(adaptation.weights[0])
    before = actions(problem.backbone, data.prompts)
    after = actions(changed, changed.model.adaptor(data.prompts))
    assert (before - after).abs().max() < 1e-6


def test_a_smaller_constraint_lets_prompts_drift_further():
    drifts = []
    for behaviour in (0.0, 1.0, 50.0):
        options = dataclasses.replace(TINY, behaviour=behaviour, updates=40)
        _, adaptation = tuned_by("cmt-adaptor", options)
        drifts.append(adaptation.history[-1].displacement)
    assert drifts[0] > drifts[1] > drifts[2]


@pytest.mark.parametrize("name", OPTIONS)
def test_relabelled_data_are_required(name):
    problem = dataclasses.replace(make_cmt_problem(), relabelled=None)
    with pytest.raises(TrajpromptError, match="reads_relabelled"):
        get_method(name).tune(problem, OPTIONS[name])
