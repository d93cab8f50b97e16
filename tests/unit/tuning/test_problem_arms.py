"""Prompts of several segments in a cell, the arms that they are made of, and their file."""

import dataclasses

import h5py
import pytest
import torch

from support.tuning_job import (
    LEARNS,
    SETTINGS,
    SUITE,
    build,
    make_backbone,
    run_tune,
    task_data,
)
from trajprompt.adaptations.read import read_adaptation
from trajprompt.commands.inspect import describe
from trajprompt.errors import TrajpromptError
from trajprompt.models.backbone import save_backbone
from trajprompt.settings.stages import PromptForm
from trajprompt.trajectories.store import write_trajectories
from trajprompt.tuning import protocol
from trajprompt.tuning.methods.none import NoOptions
from trajprompt.tuning.problem import build_problem
from trajprompt.tuning.prompt_vectors import to_vectors

EPISODES, STEPS, LENGTH = 3, 30, 5  # demonstrations of `task_data`, and SETTINGS' segments
PAIRS = {"prompt": PromptForm(2, LENGTH, "uniform")}


@pytest.fixture
def armed(monkeypatch) -> dict[str, str]:
    """Settings of a method that reads arms."""
    method = protocol.Method("armed", NoOptions, lambda *_: None, reads_arms=True)
    monkeypatch.setitem(protocol.REGISTRY, "armed", method)
    return {"method": "armed", "kind": "armed"}


@pytest.fixture
def files(tmp_path):
    """What `run_tune` reads."""
    write_trajectories(tmp_path / "d.h5", SUITE, [task_data(2), task_data(7)], {})
    save_backbone(tmp_path / "b.safetensors", make_backbone(), {})
    return tmp_path


def test_a_row_has_every_window_of_its_tasks_demonstrations(armed):
    problem = build(**armed)
    arms = problem.require_arms()
    assert len(arms) == len(problem.rows) == 4
    for task, own in zip(problem.rows.tolist(), arms, strict=True):
        assert own.leading == (EPISODES * (STEPS - LENGTH + 1),)
        shown = torch.from_numpy(task_data(task).observations).reshape(9, STEPS, -1)
        expected = shown[-EPISODES:].unfold(1, LENGTH, 1).transpose(2, 3).flatten(0, 1)
        torch.testing.assert_close(own.states, expected)
    assert torch.equal(arms[0].states, arms[1].states)  # of one task
    assert not torch.equal(arms[0].states, arms[2].states)


def test_arms_are_of_the_settings_quality(armed):
    states = build(prompt_quality="random", **armed).require_arms()[0].states
    assert set(states.mean(dim=(1, 2)).round().int().tolist()) == {0, 1, 2}


def test_arms_are_cut_only_for_methods_that_ask(armed):
    assert build().arms is None
    with pytest.raises(TrajpromptError, match="reads_arms=True"):
        build().require_arms()
    with pytest.raises(TrajpromptError, match="quality 'training'"):
        build(prompt_quality="training", **armed)


def test_segments_of_initial_prompts_are_arms(armed):
    problem = build(**PAIRS, prompts_per_task=20, **armed)
    assert problem.prompt_segments == 2
    prompts = problem.require_prompts()
    assert prompts.leading == (40,) and prompts.length == 2 * LENGTH
    for row, arms in enumerate(problem.require_arms()):
        for first in (0, LENGTH):
            own = prompts.states[row, first : first + LENGTH]
            assert (arms.states == own).flatten(1).all(dim=1).sum() == 1
    starts = prompts.timesteps[:, [0, LENGTH]]
    assert len(set(starts.flatten().tolist())) > 20  # not near the end alone
    assert not torch.equal(starts[:, 0], starts[:, 1])


def test_prompts_that_differ_in_their_form_begin_alike():
    """Their first segment is that of one, and rng has no other name."""
    one, two = build(), build(prompt=PromptForm(2, LENGTH))
    first = two.initial_prompts.map(lambda tensor: tensor[:, :LENGTH])
    assert torch.equal(to_vectors(first), to_vectors(one.initial_prompts))
    assert (two.initial_prompts.timesteps >= STEPS - LENGTH - 1).all()  # both near the end


def test_sets_to_learn_from_have_the_same_form():
    problem = build(**PAIRS, **LEARNS)
    for found in (problem.training_prompts, problem.prompt_set):
        assert found.prompts.length == 2 * LENGTH
        assert found.rewards.shape[-2:] == (2 * LENGTH, 1)
        assert len(set(found.prompts.timesteps[..., 0].flatten().tolist())) > 20


def test_a_backbone_without_prompts_has_none(armed):
    settings = dataclasses.replace(SETTINGS, **PAIRS, **armed)
    buffers = {task: task_data(task) for task in settings.test_tasks}
    problem = build_problem(settings, SUITE, buffers, make_backbone(uses_prompt=False))
    assert problem.initial_prompts is None


def test_the_file_says_how_many_segments(files):
    settings = dataclasses.replace(SETTINGS, **PAIRS)
    run_tune(files, settings, "pairs.h5")
    stored = read_adaptation(files / "pairs.h5")
    assert stored.prompt_segments == 2
    assert stored.last.length == 2 * stored.attributes["prompt_length"] == 2 * LENGTH
    printed = describe(files / "pairs.h5")
    assert "\n  prompt_segments: 2\n" in printed and "prompt_position: uniform" in printed


@pytest.mark.parametrize("count", [3, 0, 1.5])
def test_segments_that_the_prompts_cannot_be_are_refused(files, count):
    run_tune(files, SETTINGS, "one.h5")
    path = files / "one.h5"
    assert read_adaptation(path).prompt_segments == 1
    with h5py.File(path, "r+") as file:
        file.attrs["prompt_segments"] = count
    with pytest.raises(TrajpromptError, match="one.h5: prompt_segments"):
        read_adaptation(path)
    with h5py.File(path, "r+") as file:
        del file.attrs["prompt_segments"]
    assert read_adaptation(path).prompt_segments == 1  # a file from before
