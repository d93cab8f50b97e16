"""Teaching: resuming while it measures, non-finite returns, the end of the replay."""

import numpy as np
import pytest

from support.stopping import Stopped, interrupt
from trajprompt.artifacts.checkpoint import Checkpoint
from trajprompt.collect import teaching
from trajprompt.collect.recorder import BufferRecorder
from trajprompt.collect.teacher import save_teacher
from trajprompt.collect.teaching import ended_by, teach
from trajprompt.errors import TrajpromptError
from trajprompt.settings.stages import TeachSettings
from trajprompt.tasks.registry import get_suite
from trajprompt.trajectories.store import write_trajectories

HOPPER = get_suite("hopper-medium-replay")
ANY = {"medium_share": 0.0, "medium_at_least": 0.0, "medium_at_most": 1000.0}
PPO = {"steps": 480, "rows": 4, "rollout": 40, "minibatch": 32, "epochs": 1}
SAC = {"steps": 4000, "rows": 4, "random_steps": 4000, "updates_per_step": 0.01}
# Learning has 3 steps with PPO and 1000 with SAC; then each of 4 snapshots is a step.
OPTIONS = {
    "ppo": {**PPO, **ANY, "snapshot_every": 160, "snapshot_episodes": 3},
    "sac": {**SAC, **ANY, "snapshot_every": 1334, "snapshot_episodes": 3, "width": 8},
}


def settings(algorithm):
    options = OPTIONS[algorithm]
    return TeachSettings("test", 1, "hopper", algorithm, options, None, "cpu", 1)


def written(folder, algorithm, checkpoint):
    """Bytes of the two files of a teacher."""
    folder.mkdir()
    teacher, episodes = teach(settings(algorithm), checkpoint)
    save_teacher(folder / "policies.safetensors", teacher, {})
    write_trajectories(folder / "replay.h5", HOPPER, [episodes], {})
    return [path.read_bytes() for path in sorted(folder.iterdir())]


@pytest.fixture
def measured(monkeypatch):
    """Returns of the snapshots that this process has measured so far."""
    found, measure = [], teaching.returns

    def noted(*arguments, sampled):
        returns = measure(*arguments, sampled=sampled)
        if sampled:
            found.append(returns)
        return returns

    monkeypatch.setattr(teaching, "returns", noted)
    return found


@pytest.mark.parametrize("algorithm, learning", [("ppo", 3), ("sac", 1000)])
def test_a_teacher_stopped_while_it_measures_has_the_same_files(
    tmp_path, measured, algorithm, learning
):
    straight = written(tmp_path / "straight", algorithm, Checkpoint())
    assert len(measured) == 4
    target = tmp_path / "policies.safetensors"
    stopped = Stopped(target, learning + 1)  # in the second snapshot
    interrupt(stopped, lambda checkpoint: teach(settings(algorithm), checkpoint))
    assert len(measured) == 4 + 2
    checkpoint = Checkpoint(target, "test")
    assert written(tmp_path / "resumed", algorithm, checkpoint) == straight
    assert checkpoint.resumed_from == learning + 2
    assert len(measured) == 4 + 2 + 2  # the first two are in the checkpoint
    np.testing.assert_array_equal(measured[4:], measured[:4])


def test_a_teacher_stopped_while_it_learns_has_the_same_files(tmp_path, measured):
    straight = written(tmp_path / "straight", "ppo", Checkpoint())
    target = tmp_path / "policies.safetensors"
    interrupt(Stopped(target, 1), lambda checkpoint: teach(settings("ppo"), checkpoint))
    assert len(measured) == 4
    resumed = written(tmp_path / "resumed", "ppo", Checkpoint(target, "test"))
    assert resumed == straight


def test_a_return_that_is_not_finite_is_an_error(monkeypatch):
    def returns(policy, suite, episodes, seed, threads, *, sampled):
        return np.array([1.0, np.nan, 2.0])

    monkeypatch.setattr(teaching, "returns", returns)
    message = "teachers.hopper: found a return of nan at 0 steps; expected finite returns"
    with pytest.raises(TrajpromptError, match=message):
        teach(settings("ppo"), Checkpoint())


def test_a_snapshot_has_both_mean_returns(monkeypatch):
    def returns(policy, suite, episodes, seed, threads, *, sampled):
        return np.array([0.0, 1.0, 5.0]) + (100 if sampled else 200)

    monkeypatch.setattr(teaching, "returns", returns)
    teacher, _ = teach(settings("ppo"), Checkpoint())
    assert [one.mean_return for one in teacher.snapshots] == [102.0] * 4
    assert [one.mean_action_return for one in teacher.snapshots] == [202.0] * 4


def test_episodes_end_at_the_step_of_all_rows():
    """Three rows; a letter names the episode of a step, a dot is one that never ends.

    ::

        control step   0 1 2 3 4 5
        row 0          a a c c c .
        row 1          b b b d e e
        row 2          f f f f f .
    """
    rows, closed = 3, {1: [0], 2: [1], 3: [1], 4: [0, 2], 5: [1]}
    recorder = BufferRecorder(HOPPER, np.zeros(rows, np.int64), 6)
    states = np.zeros((rows, HOPPER.state_dim))
    actions = np.zeros((rows, HOPPER.action_dim))
    for now in range(6):
        recorder.add(states, actions, np.zeros(rows), np.zeros(rows, bool))
        recorder.close(np.isin(np.arange(rows), closed.get(now, [])), states)
    episodes = recorder.trajectories(0, {})
    # In the order of their ends: a, b, d, c, f, e, after 6, 9, 12, 15, 15 and 18 steps.
    assert episodes.lengths.tolist() == [2, 3, 1, 3, 5, 2]
    assert episodes.behaviour_step.tolist() == [0, 0, 9, 6, 0, 12]
    found = {steps: ended_by(episodes, rows, steps).tolist() for steps in range(0, 19, 3)}
    assert found == {
        0: [],
        3: [],
        6: [0],
        9: [0, 1],
        12: [0, 1, 2],
        15: [0, 1, 2, 3, 4],
        18: [0, 1, 2, 3, 4, 5],
    }
    assert ended_by(episodes, rows, 14).tolist() == [0, 1, 2]
