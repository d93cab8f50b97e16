"""Teachers of D4RL suites: their file, their checks, and the levels made from them."""

import dataclasses
import json

import numpy as np
import pytest

from trajprompt.artifacts.checkpoint import Checkpoint
from trajprompt.collect.levels import collect_level, joined, thinned
from trajprompt.collect.options import LevelOptions, TeacherOptions
from trajprompt.collect.teacher import (
    expert_snapshot,
    load_teacher,
    medium_snapshot,
    save_teacher,
)
from trajprompt.collect.teacher_header import METADATA, read_teacher_header
from trajprompt.collect.teaching import teach
from trajprompt.errors import TrajpromptError
from trajprompt.settings.stages import TeachSettings
from trajprompt.tasks.d4rl import LEVELS
from trajprompt.tasks.registry import get_suite
from trajprompt.trajectories.store import write_trajectories

HOPPER = get_suite("hopper-medium-replay")
OPTIONS = {"steps": 8192, "snapshot_every": 4096, "snapshot_episodes": 3}
OPTIONS |= {"medium_share": 0.0, "medium_at_least": 0.0, "medium_at_most": 1000.0}


def returns_of(scores):
    low, high = HOPPER.score_range
    return [low + score / 100 * (high - low) for score in scores]


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    """A short teacher, and its replay in a store."""
    folder = tmp_path_factory.mktemp("teacher")
    settings = TeachSettings("test", 1, "hopper", "ppo", OPTIONS, None, "cpu", 1)
    teacher, episodes = teach(settings, Checkpoint())
    write_trajectories(folder / "replay.h5", HOPPER, [episodes], {})
    save_teacher(folder / "policies.safetensors", teacher, {})
    return folder, teacher, episodes


def level(taught, name, steps=2000):
    folder, teacher, _ = taught
    suite = get_suite(f"hopper-{name}")
    options = LevelOptions(steps=steps, rows=4)
    return collect_level(suite, teacher, folder / "replay.h5", options, 1, 1)


@pytest.mark.parametrize(
    "scores, number",
    [
        ([1, 5, 20, 45, 100], 3),
        ([1, 41, 20, 40, 100], 1),  # stopped early: not the later one
        ([1, 5, 35, 61, 100], 2),
        ([0, 90], 1),
    ],
)
def test_the_medium_policy_is_near_a_share_of_the_experts_score(scores, number):
    options = TeacherOptions(steps=1, medium_at_most=1000.0)
    expert = len(scores) - 1
    assert medium_snapshot(HOPPER, returns_of(scores), expert, options) == number


def test_snapshots_that_are_too_rare_are_refused():
    with pytest.raises(TrajpromptError, match="medium policy: found a score of 70.0"):
        medium_snapshot(HOPPER, returns_of([0, 9, 70, 100]), 3, TeacherOptions(steps=1))


@pytest.mark.parametrize("scores", [[-1, -5, -2, -0.5], [0, 0, 0, 0]])
def test_a_teacher_that_learned_nothing_is_refused(scores):
    """Without a positive score of the expert there are no shares to check."""
    with pytest.raises(TrajpromptError, match="medium policy: the expert has a score of"):
        medium_snapshot(HOPPER, returns_of(scores), 3, TeacherOptions(steps=1))
    anything = TeacherOptions(steps=1, medium_at_least=0.0)
    assert medium_snapshot(HOPPER, returns_of(scores), 3, anything) in (1, 2, 3)


def test_the_expert_is_the_best_trained_policy_both_sampled_and_by_its_mean_action():
    sampled, mean_actions = [99, 40, 71, 93, 60], [99, 80, 75, 40, 90]
    found = expert_snapshot(HOPPER, returns_of(sampled), returns_of(mean_actions), 70.0)
    assert found == 2
    with pytest.raises(TrajpromptError, match="expert_at_least: the best policy has"):
        expert_snapshot(HOPPER, returns_of([99, 95]), returns_of([99, 69]), 70.0)


def test_the_mean_action_is_played_without_noise(taught):
    _, teacher, _ = taught
    policy = teacher.snapshots[0].policy
    observations = np.random.default_rng(0).standard_normal((5, 11))
    mean, _ = policy.gaussian(observations)
    expected = np.clip(mean, -1, 1).astype(np.float32)
    np.testing.assert_array_equal(policy.act(observations, None), expected)
    noisy = policy.act(observations, np.random.default_rng(0))
    assert np.abs(noisy - expected).max() > 0.1


def test_a_stored_teacher_plays_as_before(taught):
    folder, teacher, _ = taught
    loaded = load_teacher(folder / "policies.safetensors", HOPPER)
    assert (loaded.medium, loaded.expert) == (teacher.medium, teacher.expert)
    assert [s.steps for s in loaded.snapshots] == [0, 4096, 8192]
    observations = np.random.default_rng(0).standard_normal((5, 11)).astype(np.float32)
    for ours, theirs in zip(teacher.snapshots, loaded.snapshots, strict=True):
        expected, _ = ours.policy.gaussian(observations)
        found, _ = theirs.policy.gaussian(observations)
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_teacher_of_another_environment_is_refused(taught):
    folder, _, _ = taught
    with pytest.raises(TrajpromptError, match="environment 'walker2d'"):
        load_teacher(folder / "policies.safetensors", get_suite("walker2d-medium"))


def test_a_damaged_teacher_is_refused(taught, tmp_path):
    folder, _, _ = taught
    data = (folder / "policies.safetensors").read_bytes()
    (tmp_path / "short.safetensors").write_bytes(data[:-100])
    with pytest.raises(TrajpromptError, match="damaged"):
        load_teacher(tmp_path / "short.safetensors", HOPPER)


@pytest.fixture
def altered(taught, tmp_path):
    """Write the teacher's file with changed arrays and metadata; return its path."""
    from safetensors.numpy import load_file, save_file

    def write(change):
        source = taught[0] / "policies.safetensors"
        arrays = load_file(source)
        described = dict(read_teacher_header(source).attributes)
        change(arrays, described)
        path = tmp_path / "altered.safetensors"
        save_file(arrays, path, {METADATA: json.dumps(described)})
        return path

    return write


def renamed(name, other):
    return lambda arrays, _: arrays.update({other: arrays.pop(name)})


def retyped(name, dtype):
    return lambda arrays, _: arrays.update({name: arrays[name].astype(dtype)})


def filled(name, value):
    return lambda arrays, _: arrays[name].fill(value)


def resized(name, shape):
    return lambda arrays, _: arrays.update({name: np.ones(shape, np.float32)})


def returned(value):
    """Change the mean return of policy 1."""
    return lambda _, found: found["mean_returns"].__setitem__(1, value)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda arrays, _: arrays.pop("0001.shift"), "policy 1: found arrays"),
        (lambda arrays, _: arrays.update(x=arrays.pop("0001.shift")), "found array 'x'"),
        (renamed("0001.shift", "0003.shift"), "metadata: found 4 policies"),
        (renamed("0001.shift", "0001.../shift"), "found array '0001.../shift'"),
        (renamed("0001.weight_0", "0001.weight_7"), "policy 1: found arrays"),
        (
            retyped("0001.shift", np.float64),
            "0001.shift: found type F64; expected type F32",
        ),
        (filled("0002.bias_0", np.nan), "0002.bias_0: found 64 values that are not finite"),
        (filled("0002.bias_0", np.inf), "0002.bias_0: found 64 values that are not finite"),
        (filled("0002.scale", 0.0), "policy 2: found scale 0.0; expected positive"),
        (filled("0002.limit", -1.0), "policy 2: found limit -1.0; expected positive"),
        (resized("0001.weight_1", (64, 63)), "policy 1: found shapes .*(64, 63).*expected"),
        (resized("0001.bias_0", ()), "policy 1: found shapes .*from 11 to 3 values"),
        (resized("0001.shift", (10,)), "policy 1: found shapes .*'shift': \\(10,\\)"),
        (resized("0001.log_std", (4,)), "policy 1: found shapes .*'log_std': \\(4,\\)"),
        (resized("0001.scale", (0,)), "policy 1: found shapes .*'scale': \\(0,\\)"),
        (lambda _, found: found["mean_returns"].pop(), "metadata: found 3 policies"),
        (lambda _, found: found.pop("mean_action_returns"), "expected .*both mean returns"),
        (lambda _, found: found.update(medium=0), "medium 0, expert .*; expected"),
        (returned(float("nan")), "metadata: mean_returns.1: found nan; expected a finite"),
        (returned(float("-inf")), "mean_returns.1: found -inf; expected a finite number"),
        (returned(10**400), "mean_returns.1: found an integer over .*expected a finite"),
        (returned("9"), "metadata: found 3 policies"),
        (lambda _, found: found.update(steps=[0, 4096, 4096]), "found steps .*rising"),
        (lambda _, found: found.update(steps=[8, 4096, 8192]), "found steps .*from 0 on"),
        (lambda _, found: found.update(steps=[0, 1, 10**15]), "found steps .*rising"),
        (lambda _, found: found.update(steps=["many"] * 3), "metadata: found 3 policies"),
        (lambda _, found: found.update(expert=3), "medium .* expert 3; expected"),
        (lambda _, found: found.update(kind="backbone"), "kind 'backbone'"),
    ],
)
def test_an_altered_teacher_is_refused(altered, change, message):
    path = altered(change)
    with pytest.raises(TrajpromptError, match=message) as caught:
        load_teacher(path, HOPPER)
    assert str(caught.value).startswith(f"{path}:")
    assert caught.value.expected and "trajprompt teach" in str(caught.value)


def test_a_header_that_is_not_a_file_is_an_error(tmp_path):
    (tmp_path / "empty.safetensors").touch()
    for path in (tmp_path, tmp_path / "none.safetensors", tmp_path / "empty.safetensors"):
        with pytest.raises(TrajpromptError, match="missing or empty file; expected"):
            read_teacher_header(path)


def test_the_replay_of_another_environment_is_refused(taught):
    folder, teacher, _ = taught
    walker = get_suite("walker2d-medium-replay")
    with pytest.raises(TrajpromptError, match="suite hopper-medium-replay; expected suite"):
        collect_level(walker, teacher, folder / "replay.h5", LevelOptions(steps=2000), 1, 1)


def test_the_replay_ends_before_the_medium_policy(taught):
    _, teacher, episodes = taught
    limit = teacher.snapshots[teacher.medium].steps
    assert 0 < episodes.episode_ends[-1] <= limit
    ends = episodes.behaviour_step + 32 * episodes.lengths
    assert (ends <= limit).all()


@pytest.mark.parametrize("name", LEVELS)
def test_every_level_has_complete_episodes_and_enough_steps(taught, name):
    episodes = level(taught, name)
    episodes.check(name)
    if name != "medium-replay":
        assert episodes.episode_ends[-1] >= 2000
    # Each episode fell or met the time limit; only falls are terminations.
    last = episodes.terminations[episodes.episode_ends - 1]
    assert (last | (episodes.lengths == 1000)).all()
    assert episodes.terminations.sum() == last.sum()
    assert np.abs(episodes.actions).max() <= 1


def test_medium_expert_is_medium_then_expert(taught):
    both = level(taught, "medium-expert")
    medium = level(taught, "medium", steps=1000)
    count = medium.num_episodes
    first = both.select(np.arange(count))
    np.testing.assert_array_equal(first.observations, medium.observations)


def test_thinning_keeps_whole_episodes_of_all_of_learning(taught):
    _, _, episodes = taught
    total = int(episodes.episode_ends[-1])
    half = thinned(episodes, total // 2)
    assert 0.3 * total < half.episode_ends[-1] < 0.7 * total
    assert half.behaviour_step[0] == episodes.behaviour_step[0]
    assert half.behaviour_step[-1] == episodes.behaviour_step[-1]
    assert thinned(episodes, total) is episodes


def test_joined_parts_are_one_after_the_other(taught):
    episodes = level(taught, "random")
    other = dataclasses.replace(episodes, rewards=episodes.rewards + 1)
    both = joined([episodes, other])
    both.check("both")
    np.testing.assert_allclose(
        both.returns, [*episodes.returns, *(other.returns)], rtol=1e-6
    )
