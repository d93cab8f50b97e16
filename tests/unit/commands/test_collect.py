"""``trajprompt collect``: its store, and equal bytes after stopping and resuming."""

import dataclasses
import signal
from pathlib import Path

import numpy as np
import pytest
import torch

from support.collection import fake, settings
from trajprompt.artifacts.resources import read_resources
from trajprompt.collect import algorithms
from trajprompt.collect.recorder import BufferRecorder
from trajprompt.commands.collect import run
from trajprompt.errors import Interrupted, TrajpromptError
from trajprompt.settings.stages import CollectSettings, to_json
from trajprompt.tasks import registry
from trajprompt.trajectories.store import read_trajectories

__all__ = ["fake"]  # fixture


def test_a_suite_that_did_not_learn_fails_and_writes_nothing(fake, tmp_path, capsys):
    out = tmp_path / "trajectories.h5"
    with pytest.raises(TrajpromptError, match="expert_at_least"):
        run(settings(expert_at_least=1e6), str(out))
    assert not out.exists()
    assert "mean return" in capsys.readouterr().out  # the curve is printed nevertheless
    with pytest.raises(TrajpromptError, match="random_at_most"):
        run(settings(random_at_most=-1e6), str(out))
    assert not out.exists()


def test_data_outside_its_range_of_scores_fails_and_writes_nothing(
    fake, tmp_path, monkeypatch, capsys
):
    out = tmp_path / "trajectories.h5"
    scored = dataclasses.replace(fake, score_range=(0.0, 1.0))
    monkeypatch.setattr(registry, "get_suite", lambda name: scored)
    with pytest.raises(TrajpromptError, match=r"collect\..*\.score_between: .* score of"):
        run(settings(score_between=(1e5, 1e6)), str(out))
    assert not out.exists()
    assert "score of all episodes' mean return" in capsys.readouterr().out
    run(settings(score_between=(-1e6, 1e6)), str(out))
    assert out.exists()


@pytest.mark.parametrize("algorithm, files", [("level", 0), ("level", 1), ("sac", 2)])
def test_a_teacher_is_given_where_it_is_read(fake, tmp_path, algorithm, files):
    out, given = tmp_path / "trajectories.h5", [tmp_path / "p"] * files
    with pytest.raises(TrajpromptError, match=f"--teacher.* found {files} files"):
        run(settings(algorithm=algorithm), str(out), given)
    assert not out.exists()


def test_a_missing_teacher_names_the_command_that_makes_it(fake, tmp_path):
    given = [tmp_path / "policies.safetensors", tmp_path / "replay.h5"]
    with pytest.raises(TrajpromptError, match="missing .*run `trajprompt teach`"):
        run(settings(algorithm="level"), str(tmp_path / "trajectories.h5"), given)


def test_the_stage_writes_a_store_that_can_be_read(fake, tmp_path):
    out = tmp_path / "trajectories.h5"
    run(settings(), str(out))
    collected = algorithms.collect(settings(), fake, torch.device("cpu"))
    for task in collected:
        stored = read_trajectories(out)[task.task]
        assert np.array_equal(stored.actions, task.actions)
        assert stored.attributes["algorithm"] == "sac"


HORIZON = 200  # control steps of the locomotion suites
RANDOM, EXPLORING, GREEDY = 0, HORIZON, 2 * HORIZON  # first steps of the phases
TOTAL = 3 * HORIZON


def phased(suite: str, algorithm: str, **changes) -> CollectSettings:
    options = dict(
        episodes_per_task=6,
        rows_per_task=2,
        random_episodes=2,
        greedy_episodes=2,
        updates_per_step=0.15,
        policy_delay=2,
        width=8,
        batch=16,
    )
    chosen = dict(suite=suite, algorithm=algorithm, options=options, quality_episodes=2)
    return settings(**{**chosen, **changes})


CASES = [
    ("cheetah-dir", "sac"),
    ("cheetah-vel", "goal-conditioned-sac"),
    ("ant-dir", "goal-conditioned-sac"),
    ("ant-dir", "td3"),
]


def at_step(monkeypatch, step: int, event) -> None:
    """Call ``event`` within a lockstep step: after the physics, before learning."""
    add = BufferRecorder.add

    def disturbed(recorder: BufferRecorder, *columns) -> None:
        if recorder.filled == step:
            event()
        add(recorder, *columns)

    monkeypatch.setattr(BufferRecorder, "add", disturbed)


def stop(wanted: CollectSettings, out: Path, step: int, number=signal.SIGTERM) -> None:
    """Run until a signal is raised in step ``step``."""
    with pytest.MonkeyPatch.context() as patch:
        at_step(patch, step, lambda: signal.raise_signal(number))
        with pytest.raises(Interrupted, match=f"after step {step + 1} of {TOTAL}"):
            run(wanted, str(out))
    assert not out.exists() and checkpoint_of(out).is_file()


def checkpoint_of(out: Path) -> Path:
    return out.with_suffix(".checkpoint.h5")


def bytes_of(wanted: CollectSettings, out: Path) -> bytes:
    run(wanted, str(out))
    assert not checkpoint_of(out).exists()
    return out.read_bytes()


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """Bytes of an uninterrupted collection; each is made once."""
    made: dict[str, bytes] = {}

    def make(wanted: CollectSettings) -> bytes:
        name = to_json(wanted)
        if name not in made:
            made[name] = bytes_of(wanted, tmp_path_factory.mktemp("uninterrupted") / "a.h5")
        return made[name]

    return make


@pytest.mark.parametrize("suite, algorithm", CASES)
def test_a_collection_stopped_in_every_phase(
    suite, algorithm, tmp_path, capsys, uninterrupted
):
    wanted = phased(suite, algorithm)
    out = tmp_path / "stopped.h5"
    for step in (RANDOM + 90, EXPLORING + 90, GREEDY + 90):
        stop(wanted, out, step)
    assert bytes_of(wanted, out) == uninterrupted(wanted)
    assert f"resumes after step {GREEDY + 91} of {TOTAL}" in capsys.readouterr().err
    assert read_resources(out).resumed_from == GREEDY + 91
    if suite == "ant-dir":
        tasks = read_trajectories(out).values()
        assert any(task.terminations.any() for task in tasks), "no ant fell"


@pytest.mark.parametrize("step", [0, EXPLORING - 1, EXPLORING, GREEDY - 1, TOTAL - 1])
def test_a_collection_stopped_at_a_boundary(step, tmp_path, uninterrupted):
    """The first step, the last step, and those at which phases and episodes change."""
    wanted = phased("cheetah-vel", "goal-conditioned-sac")
    stop(wanted, tmp_path / "stopped.h5", step, signal.SIGUSR1)
    assert bytes_of(wanted, tmp_path / "stopped.h5") == uninterrupted(wanted)


def test_a_crashed_collection_repeats_the_steps_since_its_checkpoint(
    tmp_path, uninterrupted
):
    wanted, out = phased("ant-dir", "goal-conditioned-sac"), tmp_path / "died.h5"
    stop(wanted, out, EXPLORING + 20)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyError, match="kill"):
        at_step(patch, GREEDY + 20, lambda: {}["kill"])  # no signal: nothing is saved
        run(wanted, str(out))
    assert bytes_of(wanted, out) == uninterrupted(wanted)


def test_a_checkpoint_of_other_settings_is_not_used(tmp_path, capsys, uninterrupted):
    out, other = tmp_path / "stopped.h5", phased("cheetah-dir", "sac", run_seed=2)
    stop(phased("cheetah-dir", "sac"), out, EXPLORING)
    assert bytes_of(other, out) == uninterrupted(other)
    assert read_resources(out).resumed_from is None
    assert f"{checkpoint_of(out)} has other settings" in capsys.readouterr().err
