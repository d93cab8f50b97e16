"""Collection with every algorithm on a fake simulator."""

import numpy as np
import pytest
import torch

from support.collection import HORIZON, fake, settings
from trajprompt.collect import algorithms
from trajprompt.errors import TrajpromptError
from trajprompt.tasks.registry import get_suite

__all__ = ["fake"]  # fixture

ALGORITHMS = ["sac", "td3", "goal-conditioned-sac", "goal-conditioned-td3"]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_equal_seeds_give_identical_actions_and_others_do_not(fake, algorithm):
    def actions(seed: int) -> np.ndarray:
        tasks = algorithms.collect(settings(algorithm=algorithm, run_seed=seed), fake, CPU)
        return np.concatenate([task.actions for task in tasks])

    assert np.array_equal(actions(1), actions(1))
    assert actions(1).shape != actions(2).shape or not np.array_equal(
        actions(1), actions(2)
    )


CPU = torch.device("cpu")


def test_buffers_contain_every_step_of_complete_episodes_in_time_order(fake):
    for task in algorithms.collect(settings(), fake, CPU):
        task.check("task")
        assert np.all(np.diff(task.behaviour_step) >= -HORIZON * 2)
        starts, ends = task.starts, task.episode_ends
        assert np.array_equal(task.terminations[ends - 1], task.lengths < HORIZON)
        assert task.terminations.sum() == (task.lengths < HORIZON).sum()
        for first, end, final in zip(starts, ends, task.final_observations, strict=True):
            positions = np.append(task.observations[first:end, 0], final[0])
            np.testing.assert_allclose(
                np.diff(positions), 0.2 * task.actions[first:end, 0], atol=1e-5
            )
            np.testing.assert_allclose(
                task.rewards[first:end], task.actions[first:end, 0], atol=1e-5
            )
    immortal = algorithms.collect(settings(), fake, CPU)[0]
    assert immortal.num_episodes == 12 and set(immortal.lengths) == {HORIZON}


def test_the_greedy_phase_is_deterministic_and_does_not_learn(fake):
    """With similar starts, the last episodes have similar actions: no noise, no updates."""
    (task,) = algorithms.collect(settings(tasks=(0,)), fake, CPU)
    last = task.quality("expert", 2)
    first_actions = last.actions[last.starts]
    first_positions = last.observations[last.starts, 0]
    spread = np.abs(first_actions[0] - first_actions[1]).max()
    assert spread < 0.5 * np.abs(first_positions[0] - first_positions[1]) + 1e-6


@pytest.mark.parametrize(
    "changes, found",
    [
        ({"algorithm": "a2c"}, "a2c"),
        ({"options": {"episodes_per_task": 2, "learing_rate": 1}}, "learing_rate"),
        ({"options": {}}, "episodes_per_task"),
        ({"algorithm": "sac", "options": {"relabelled": 1.0}}, "relabelled"),
        ({"options": {"episodes_per_task": 9, "width": "32"}}, "options.width.*'32'.*int"),
        ({"options": {"episodes_per_task": 9, "batch": 0}}, "options.batch.*0.*at least 1"),
        (
            {"options": {"episodes_per_task": 9, "learning_rate": "1e-3"}},
            "options.learning_rate.*'1e-3'.*a number .write 1.0e-4",
        ),
        ({"options": {"episodes_per_task": 9, "greedy_episodes": 10}}, "5 random and 10"),
        (
            {"options": {"episodes_per_task": 9, "discount": 1.1}},
            "discount.*1.1.*at most 1",
        ),
        ({"options": {"episodes_per_task": 9, "precision": "fp8"}}, "precision.*fp8.*bf16"),
    ],
)
def test_wrong_algorithms_and_options_are_named(changes, found):
    with pytest.raises(TrajpromptError, match=found):
        algorithms.collect(settings(**changes), get_suite("cheetah-dir"), CPU)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_agents_that_diverge_stop_the_collection(fake, monkeypatch, algorithm):
    kind = algorithms.LEARNERS[algorithm]
    update = kind.update

    def diverge(agent, batch):
        update(agent, batch)
        with torch.no_grad():
            agent.critic_vector.fill_(float("nan"))

    monkeypatch.setattr(kind, "update", diverge)
    with pytest.raises(
        TrajpromptError, match=r"collect cheetah-dir: step \d+: found actions of NaN"
    ):
        algorithms.collect(settings(algorithm=algorithm), fake, CPU)
