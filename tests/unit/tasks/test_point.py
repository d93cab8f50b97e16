"""The sparse 2D tasks: dynamics in closed form, rewards and demonstrations."""

from dataclasses import replace

import numpy as np
import pytest

from trajprompt.collect.experts import ScriptedPolicy
from trajprompt.collect.scripted import RandomPolicy, ScriptedOptions, collect_scripted
from trajprompt.rollout.loop import rollout
from trajprompt.tasks.point import (
    PRIZE,
    RADIUS,
    START,
    START_NOISE,
    STEP,
    STEP_COST,
    on_stem,
)
from trajprompt.tasks.registry import get_suite, make_simulator
from trajprompt.trajectories.store import read_trajectories, write_trajectories

SUITE = get_suite("point-sparse")
TASKS = len(SUITE.goals)
LENGTH = 5  # steps of a prompt's segment


def started(tasks, seeds):
    simulator = make_simulator(SUITE, np.asarray(tasks))
    return simulator, simulator.reset(np.asarray(seeds))


def placed(tasks, positions):
    """Simulator with running rows at ``positions``."""
    simulator, _ = started(tasks, np.zeros(len(tasks), int))
    ended = np.zeros(len(tasks), bool)
    simulator.restore({"_positions": np.asarray(positions), "_ended": ended})
    return simulator


def expert_episodes(seeds, noise=0.0):
    """One episode of every task from each of ``seeds``, task-major."""
    simulator = make_simulator(SUITE, np.arange(TASKS).repeat(len(seeds)))
    generator = np.random.default_rng(0) if noise else None
    policy = ScriptedPolicy(simulator, noise, generator)
    return rollout(simulator, policy, np.tile(seeds, TASKS), record=True)


def test_goals_are_on_the_half_circle_and_discs_do_not_overlap():
    angles = (np.arange(8) + 0.5) * np.pi / 8
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    np.testing.assert_allclose(SUITE.goals, circle, atol=1e-12)
    apart = np.linalg.norm(SUITE.goals[:, None] - SUITE.goals, axis=2)
    assert apart[apart > 0].min() > 2 * RADIUS


def test_resets_follow_their_seeds():
    _, first = started([0, 5, 5], [7, 7, 8])
    expected = START + np.random.default_rng(7).uniform(-START_NOISE, START_NOISE, 2)
    np.testing.assert_array_equal(first[0], expected.astype(np.float32))
    np.testing.assert_array_equal(first[0], first[1])  # whatever the task
    assert (first[1] != first[2]).all()


def test_positions_are_the_sum_of_clipped_actions():
    simulator, first = started(np.arange(TASKS), np.arange(TASKS))
    actions = np.random.default_rng(0).uniform(-2, 2, (10, TASKS, 2))
    for index, action in enumerate(actions, start=1):
        step = simulator.step(action)
        moved = STEP * np.clip(actions[:index], -1, 1).sum(axis=0)
        np.testing.assert_allclose(step.observations, first + moved, atol=1e-6)
        assert not step.terminations.any() and not step.successes.any()
        np.testing.assert_array_equal(step.rewards, -STEP_COST)


def test_every_goal_in_every_task():
    tasks, entered = (grid.ravel() for grid in np.indices((TASKS, TASKS)))
    goals = SUITE.goals[entered]
    simulator = placed(tasks, (1 - RADIUS - 0.5 * STEP) * goals)  # half a step outside
    step, right = simulator.step(goals), tasks == entered
    expected = np.where(right, PRIZE, -PRIZE) - STEP_COST
    np.testing.assert_allclose(step.rewards, expected, rtol=1e-12)
    np.testing.assert_array_equal(step.successes, right)
    assert step.terminations.all()
    after = simulator.step(-goals)  # stays in place until it is reset
    np.testing.assert_array_equal(after.observations, step.observations)
    assert after.terminations.all() and not after.successes.any()
    assert not after.rewards.any()
    simulator.reset(np.arange(len(tasks)), rows=right)
    np.testing.assert_array_equal(simulator.step(goals).terminations, ~right)


def test_between_two_discs_there_is_hardly_a_gap():
    widths = np.array([0.0, 0.03, -0.03, 0.15])
    simulator = placed([3] * 4, np.stack([widths, np.full(4, 0.5)], axis=1))
    for _ in range(10):
        step = simulator.step(np.tile([0.0, 1.0], (4, 1)))
    np.testing.assert_array_equal(step.terminations, [False, True, True, True])


def test_rows_do_not_depend_on_other_rows():
    actions = np.random.default_rng(1).uniform(-1, 1, (50, 300, 2))
    actions[:, :, 1] += 0.6  # upwards, so that many rows end
    tasks, seeds = np.resize(np.arange(TASKS), 300), np.arange(300)
    together, _ = started(tasks, seeds)
    alone, _ = started(tasks[200:201], seeds[200:201])
    for action in actions:
        many, one = together.step(action), alone.step(action[200:201])
        for found, expected in zip(many, one, strict=True):
            np.testing.assert_array_equal(found[200], expected[0])
    assert 30 < many.terminations.sum() < 300


def test_expert_return_is_the_papers_best():
    exact = expert_episodes(np.arange(20))
    assert exact.successes.all()
    np.testing.assert_allclose(exact.returns, PRIZE - STEP_COST * exact.lengths)
    assert 23 < exact.lengths.mean() < 27
    noisy = expert_episodes(np.arange(20), noise=0.1)
    assert noisy.successes.all()
    assert round(noisy.returns.mean(), 1) == round(exact.returns.mean(), 1) == 9.9


def test_demonstrations_on_the_stem_are_equal_in_all_tasks():
    seeds = np.arange(20)
    episodes = expert_episodes(seeds)
    lengths = episodes.lengths.reshape(TASKS, -1)
    np.testing.assert_array_equal(lengths, np.tile(lengths[:1], (TASKS, 1)))
    observations = episodes.observations.reshape(TASKS, len(seeds), -1, 2)
    actions = episodes.actions.reshape(TASKS, len(seeds), -1, 2)
    for index in range(len(seeds)):
        fork = int(on_stem(observations[0, index]).argmin())  # the first step beyond it
        stems = observations[:, index, : fork + 1]
        np.testing.assert_array_equal(stems, np.broadcast_to(stems[:1], stems.shape))
        same = actions[:, index, :fork]
        np.testing.assert_array_equal(same, np.broadcast_to(same[:1], same.shape))
        heading = np.arctan2(actions[:, index, fork, 1], actions[:, index, fork, 0])
        np.testing.assert_allclose(heading, (np.arange(8) + 0.5) * np.pi / 8, atol=0.03)


def buffers(episodes=90):
    stream = np.random.SeedSequence(5)
    options = ScriptedOptions(episodes, medium_noise=1.25)  # as in config.yaml
    return collect_scripted(SUITE, range(TASKS), options, stream)


def test_four_in_ten_windows_of_a_demonstration_reveal_the_goal():
    revealing = windows = 0
    for buffer in buffers():
        expert = buffer.quality("expert", 30)
        beyond = ~on_stem(expert.observations)
        for first, end in zip(expert.starts, expert.episode_ends, strict=True):
            reveals = np.lib.stride_tricks.sliding_window_view(beyond[first:end], LENGTH)
            revealing += reveals.any(axis=1).sum()
            windows += len(reveals)
    assert 0.40 < revealing / windows < 0.45


def test_returns_rise_with_quality_and_the_store_keeps_lengths(tmp_path):
    made = buffers(30)
    returns = np.stack([buffer.returns.reshape(3, 10).mean(axis=1) for buffer in made])
    random, noisy, expert = returns.mean(axis=0)
    assert random < 0.5 and 3 < noisy < 7 and expert > 9.8
    path = tmp_path / "trajectories.h5"
    write_trajectories(path, SUITE, made, {"stage": "collect"})
    for task, stored in read_trajectories(path, suite=SUITE).items():
        assert stored.lengths.max() == SUITE.horizon and stored.lengths.min() < 30
        ends = stored.episode_ends - 1
        early = stored.lengths < SUITE.horizon
        assert stored.terminations[ends][early].all()
        assert stored.terminations.sum() == stored.terminations[ends].sum()
        # The last action leads to the final observation: nothing is cut off or padded.
        last = stored.observations[ends] + STEP * stored.actions[ends]
        np.testing.assert_allclose(stored.final_observations, last, atol=1e-6)
        np.testing.assert_array_equal(stored.behaviour_step, stored.starts)
        for name in ("observations", "actions", "rewards", "terminations"):
            np.testing.assert_array_equal(getattr(stored, name), getattr(made[task], name))


def test_random_play_rarely_meets_a_goal():
    simulator = make_simulator(SUITE, np.resize(np.arange(TASKS), 400))
    generator = np.random.default_rng(0)
    played = rollout(simulator, RandomPolicy(400, 2, generator), np.arange(400))
    assert -1.5 < played.returns.mean() < 0
    assert (played.lengths == SUITE.horizon).mean() > 0.9


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_equal_seeds_give_equal_bits(noise):
    first, again = (expert_episodes(np.arange(4), noise) for _ in range(2))
    np.testing.assert_array_equal(first.observations, again.observations)
    np.testing.assert_array_equal(first.actions, again.actions)


def test_the_caller_stops_at_the_horizon():
    short = replace(SUITE, horizon=3)
    simulator = make_simulator(short, np.array([0]))
    played = rollout(simulator, ScriptedPolicy(simulator), np.array([0]))
    assert played.lengths[0] == 3 and played.returns[0] == pytest.approx(-3 * STEP_COST)
