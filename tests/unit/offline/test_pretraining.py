"""Pretraining by an offline algorithm: the data that it learns from."""

import dataclasses

import numpy as np
import pytest
import torch

from trajprompt.artifacts.checkpoint import Checkpoint
from trajprompt.offline import pretraining
from trajprompt.settings.stages import OfflineSettings
from trajprompt.tasks.registry import get_suite
from trajprompt.trajectories.episodes import (
    FINAL_OBSERVATIONS,
    REPEATED,
    TaskTrajectories,
)
from trajprompt.trajectories.store import write_trajectories

SUITE = get_suite("hopper-medium")
LENGTH, COUNT = 10, 4


@pytest.fixture
def task():
    """Four episodes, of which the first and the third have the highest returns."""
    numbers = np.random.default_rng(0)
    rows = LENGTH * COUNT
    better = np.repeat([3.0, 0.0, 2.0, 1.0], LENGTH)
    return TaskTrajectories(
        task=0,
        goal=SUITE.goals[0],
        observations=numbers.standard_normal((rows, 11)).astype(np.float32),
        actions=numbers.uniform(-1, 1, (rows, 3)).astype(np.float32),
        rewards=(better + numbers.random(rows)).astype(np.float32),
        terminations=np.zeros(rows, bool),
        episode_ends=LENGTH * np.arange(1, COUNT + 1),
        final_observations=numbers.standard_normal((COUNT, 11)).astype(np.float32),
        behaviour_step=LENGTH * np.arange(COUNT),
    )


@pytest.fixture
def learned(tmp_path):
    """Learn from a task's data; return the policy's weights and its normaliser."""

    def learn(task, kind, **options):
        path = tmp_path / "trajectories.h5"
        write_trajectories(path, SUITE, [task], {})
        options |= {"width": 8, "batch": 16}
        settings = OfflineSettings(
            "test", 1, SUITE.name, "mine", kind, options, 0, (0,), 6, 6, 0, "cpu"
        )
        ((backbone, _),) = pretraining.pretrain_offline(
            [settings], path, torch.device("cpu"), Checkpoint()
        )
        normaliser = backbone.normaliser
        return [*backbone.model.parameters(), normaliser.mean, normaliser.std]

    return learn


def equal(one, other):
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_data_share_is_the_share_of_the_best_episodes(task, learned):
    found = learned(task, "bc", data_share=0.5)
    assert equal(found, learned(task.select([0, 2]), "bc"))
    assert not equal(found, learned(task, "bc"))


def test_reward_scale_multiplies_the_rewards(task, learned):
    """By a power of 2, so that the bits are equal."""
    found = learned(task, "td3-bc", reward_scale=0.25)
    smaller = dataclasses.replace(task, rewards=task.rewards * np.float32(0.25))
    assert equal(found, learned(smaller, "td3-bc"))
    assert not equal(found, learned(task, "td3-bc"))


@pytest.mark.parametrize(
    "source, steps", [(REPEATED, 36), ("others", 40)], ids=["repeated", "others"]
)
def test_last_steps_without_a_next_state_are_not_learned(
    task, learned, monkeypatch, source, steps
):
    """The attribute of an imported file reaches the table through the store."""
    tables, training = [], pretraining.OfflineTraining

    def noted(learner, table, *others):
        tables.append(table)
        return training(learner, table, *others)

    monkeypatch.setattr(pretraining, "OfflineTraining", noted)
    finals = task.observations[task.episode_ends - 1]
    attributes = {FINAL_OBSERVATIONS: source}
    learned(
        dataclasses.replace(task, final_observations=finals, attributes=attributes), "iql"
    )
    assert [len(table) for table in tables] == [steps]
