"""Every method for prompt transformers on a tiny problem, with fake simulators."""

import dataclasses
from typing import Any

import pytest
import torch

from support.stopping import Stopped, interrupt
from support.tiny_methods import OF_TRANSFORMERS, OPTIONS, TINY_RANKING, played
from support.tuning_problem import PROMPT, ROWS, STATE, make_problem
from trajprompt.adaptations.adaptation import Adaptation
from trajprompt.adaptations.read import read_adaptation
from trajprompt.adaptations.write import write_adaptation
from trajprompt.artifacts.checkpoint import Checkpoint
from trajprompt.errors import TrajpromptError
from trajprompt.settings.options import parse_options
from trajprompt.tuning.registry import get_method

__all__ = ["played"]  # fixture

every = pytest.mark.parametrize("name", OF_TRANSFORMERS)


def options_of(name: str) -> Any:
    """Return tiny options of a method, or its defaults without a tiny_methods entry."""
    return OPTIONS[name] if name in OPTIONS else get_method(name).options()


@every
def test_method_on_a_tiny_problem(name, problem, played, tmp_path):
    before = {k: v.clone() for k, v in problem.backbone.model.state_dict().items()}
    adaptation = get_method(name).tune(problem, options_of(name))
    for k, v in problem.backbone.model.state_dict().items():
        assert torch.equal(v, before[k]), f"the backbone's {k} changed"
    last = max(entry.iteration for entry in adaptation.history)
    if name in OPTIONS:
        composed = {"retrieval": 1, "diffuser-ptdt": TINY_RANKING["iterations"]}
        options = vars(OPTIONS[name])
        plain = options.get("iterations", options.get("records", 0))
        assert last == composed.get(name, plain)
        assert len(adaptation.history) == ROWS * (last + 1)
    for prompts in (adaptation.last, adaptation.best):
        assert prompts.states.shape == (ROWS, PROMPT, STATE)
        assert torch.equal(prompts.timesteps, problem.initial_prompts.timesteps)
    write_adaptation(tmp_path / "a.h5", problem, adaptation, {"suite": "cheetah-vel"})
    stored = read_adaptation(tmp_path / "a.h5")
    for found, made in zip(stored.best, adaptation.best, strict=True):
        assert torch.equal(found, made)
    assert stored.rows.tolist() == problem.rows.tolist()
    assert sorted(stored.curve) == sorted(adaptation.curve)
    assert stored.last_iteration == last


@every
def test_same_seed_same_bytes(name, played, tmp_path):
    for file in ("a.h5", "b.h5"):
        fresh = make_problem()
        adaptation = get_method(name).tune(fresh, options_of(name))
        write_adaptation(tmp_path / file, fresh, adaptation, {"suite": "cheetah-vel"})
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


@pytest.mark.parametrize(
    "name",
    [
        *("ptdt-offline", "ptdt-online", "soft-prompt", "prefix-tuning", "retrieval"),
        *("best-of-n", "cma-es"),
    ],
)
def test_moving_prompts_needs_a_prompt(name, problem):
    with pytest.raises(TrajpromptError, match="prompt"):
        get_method(name).tune(
            dataclasses.replace(problem, initial_prompts=None), OPTIONS[name]
        )


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("ptdt-offline", {"stepsize": 0.1}, "stepsize: found an unknown key.*step_size"),
        ("ptdt-offline", {"step_size": "1e-4"}, "step_size.*'1e-4'.*write 1.0e-4"),
        ("ptdt-online", {"iterations": 2.5}, "iterations.*2.5.*int"),
        ("ptdt-online", {"candidates": True}, "candidates.*True.*int"),
        ("ptdt-online", {"ranked": 16}, "ranked.*16.*at most 15, the value of candidates"),
        ("ptdt-offline", {"judging_batch": 0}, "judging_batch.*0.*at least 1"),
        ("ptdt-online", {"episodes_per_candidate": 0}, "episodes_per.*0.*at least 1"),
        ("ptdt-online", {"smoothing": 0}, "smoothing.*0.*more than 0"),
        ("full-finetune", {"learning_rate": float("nan")}, "learning_rate.*nan.*finite"),
        ("full-finetune", {"batch": 0}, "batch.*0.*at least 1"),
        ("none", {"x": 1}, "no keys"),
    ],
)
def test_bad_options_are_named(name, values, message):
    with pytest.raises(TrajpromptError, match=message):
        parse_options(get_method(name).options, values, "config")


def adapted(name: str, checkpoint: Checkpoint) -> Adaptation:
    problem = dataclasses.replace(make_problem(), checkpoint=checkpoint)
    return get_method(name).tune(problem, OPTIONS[name])


@pytest.mark.parametrize("name", sorted(set(OPTIONS) - {"none", "retrieval"}))
@pytest.mark.parametrize("at", [0, 1])
def test_resumed_methods_write_the_same_bytes(tmp_path, played, name, at):
    target = tmp_path / "seed0.h5"
    interrupt(Stopped(target, at), lambda checkpoint: adapted(name, checkpoint))
    for file, checkpoint in (("a", Checkpoint()), ("b", Checkpoint(target, "test"))):
        write_adaptation(tmp_path / file, make_problem(), adapted(name, checkpoint), {})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
