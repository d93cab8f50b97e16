"""Learning by an offline algorithm, from a store to policies that play."""

import csv
import dataclasses
import signal

import numpy as np
import pytest

from trajprompt.artifacts.checkpoint import Checkpoint
from trajprompt.commands import learn
from trajprompt.errors import Interrupted, TrajpromptError
from trajprompt.models.backbone import load_backbone
from trajprompt.models.state_policy import StatePolicyPlayer
from trajprompt.settings.kinds import OFFLINE_KINDS
from trajprompt.settings.stages import OfflineSettings, to_json
from trajprompt.tasks.registry import get_suite
from trajprompt.trajectories.episodes import TaskTrajectories
from trajprompt.trajectories.store import write_trajectories

SUITE = get_suite("hopper-medium")
OPTIONS = {"width": 32, "batch": 64, "learning_rate": 0.003}
SETTINGS = OfflineSettings(
    "test", 1, SUITE.name, "cloning", "bc", OPTIONS, 0, (0,), 300, 100, 0, "cpu"
)
GAINS = np.linspace(-0.5, 0.5, 33).reshape(11, 3).astype(np.float32)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Actions are a linear function of the states."""
    path = tmp_path_factory.mktemp("data") / "trajectories.h5"
    states = np.random.default_rng(0).standard_normal((2000, 11)).astype(np.float32)
    ends = np.arange(100, 2001, 100)
    task = TaskTrajectories(
        task=0,
        goal=np.zeros(1),
        observations=states,
        actions=np.clip(0.3 * states @ GAINS, -1, 1),
        rewards=np.ones(2000, np.float32),
        terminations=np.zeros(2000, bool),
        episode_ends=ends,
        final_observations=states[:20],
        behaviour_step=np.arange(20),
    )
    write_trajectories(path, SUITE, [task], {})
    return path


def run(store, folder, settings, seeds=(0,)):
    first = dataclasses.replace(settings, seed=seeds[0])
    names = [folder / f"seed{seed}" for seed in seeds]
    outs = [name.with_suffix(".safetensors") for name in names]
    curves = [name.with_suffix(".csv") for name in names]
    given = ["--suite", settings.suite, "--algorithm", settings.backbone]
    given += ["--seed", *map(str, seeds), "--settings", to_json(first)]
    given += ["--data", str(store), "--out", *map(str, outs), "--curve", *map(str, curves)]
    learn.main(given)
    return outs, curves


def test_cloning_finds_the_policy_of_the_data(store, tmp_path):
    (out,), (curve,) = run(store, tmp_path, SETTINGS)
    backbone = load_backbone(out)
    assert (backbone.name, backbone.kind, backbone.suite) == ("cloning", "bc", SUITE.name)
    player = StatePolicyPlayer(
        backbone.model, backbone.normaliser.mean, backbone.normaliser.std
    )
    states = np.random.default_rng(1).standard_normal((50, 11)).astype(np.float32)
    expected = np.clip(0.3 * states @ GAINS, -1, 1)
    assert np.abs(player.act(states) - expected).mean() < 0.05
    rows = list(csv.DictReader(curve.open()))
    assert [row["step"] for row in rows] == ["100", "200", "300"]
    assert float(rows[-1]["actor_loss"]) < 0.1 * float(rows[0]["actor_loss"])


def test_a_players_row_does_not_depend_on_the_others(store, tmp_path):
    (out,), _ = run(store, tmp_path, SETTINGS)
    backbone = load_backbone(out)
    player = StatePolicyPlayer(
        backbone.model, backbone.normaliser.mean, backbone.normaliser.std
    )
    states = np.random.default_rng(1).standard_normal((40, 11)).astype(np.float32)
    alone = np.concatenate([player.act(states[n : n + 1]) for n in range(40)])
    np.testing.assert_array_equal(player.act(states), alone)


def test_the_files_of_a_seed_do_not_depend_on_the_other_seeds(store, tmp_path):
    settings = dataclasses.replace(SETTINGS, curve_episodes=1)
    (tmp_path / "alone").mkdir()
    (tmp_path / "three").mkdir()
    alone = run(store, tmp_path / "alone", settings, (1,))
    three = run(store, tmp_path / "three", settings, (0, 1, 2))
    for ours, theirs in zip(alone, three, strict=True):
        assert ours[0].read_bytes() == theirs[1].read_bytes()
        assert theirs[0].read_bytes() != theirs[1].read_bytes()


def stop_after(patch, done):
    """Let the loop of updates stop after ``done`` of them, as after SIGTERM."""
    steps = Checkpoint.steps

    def stopped(self, *arguments):
        for step in steps(self, *arguments):
            if step + 1 == done:
                self.stop(signal.SIGTERM)
            yield step

    patch.setattr(Checkpoint, "steps", stopped)


@pytest.mark.parametrize("kind", OFFLINE_KINDS)
def test_a_stopped_command_resumes_between_points_of_the_curve(
    kind, store, tmp_path, monkeypatch, capsys
):
    """Points are at 20, 40 and 50 updates; BRAC-v clones for 18."""
    options = {"width": 16, "batch": 16}
    changes = {"kind": kind, "options": options, "updates": 50, "curve_every": 20}
    settings = dataclasses.replace(SETTINGS, **changes, curve_episodes=1)
    (tmp_path / "straight").mkdir()
    straight = run(store, tmp_path / "straight", settings, (0, 1))
    for done in (9, 33):
        with monkeypatch.context() as patch, pytest.raises(Interrupted, match="SIGTERM"):
            stop_after(patch, done)
            run(store, tmp_path, settings, (0, 1))
        assert [file.name for file in tmp_path.glob("seed*")] == ["seed0.checkpoint.h5"]
    resumed = run(store, tmp_path, settings, (0, 1))
    said = capsys.readouterr().err
    assert "resumes after step 9 of 50" in said and "resumes after step 33 of 50" in said
    assert not list(tmp_path.glob("*.checkpoint.h5"))
    for expected, found in zip(straight, resumed, strict=True):
        for one, other in zip(expected, found, strict=True):
            assert one.read_bytes() == other.read_bytes()


def test_files_and_seeds_must_have_the_same_number(store, tmp_path):
    with pytest.raises(TrajpromptError, match="--out: found 1 different files for 2 seeds"):
        learn.main(
            [
                *["--suite", SUITE.name, "--algorithm", "cloning", "--seed", "0", "1"],
                *["--data", str(store), "--out", "a.safetensors", "--curve", "a.csv"],
            ]
        )


@pytest.mark.parametrize(
    "seeds, outs, message",
    [
        (("0", "0"), ("a", "b"), "--seed: found .0, 0.; expected different seeds"),
        (("0", "1"), ("a", "a"), "--out: found 1 different files for 2 seeds"),
    ],
)
def test_every_seed_has_files_of_its_own(store, seeds, outs, message):
    with pytest.raises(TrajpromptError, match=message):
        learn.main(
            [
                *["--suite", SUITE.name, "--algorithm", "cloning", "--seed", *seeds],
                *["--data", str(store), "--out", *outs, "--curve", "a.csv", "b.csv"],
            ]
        )


def test_a_wrong_option_is_named(store, tmp_path):
    settings = dataclasses.replace(SETTINGS, options={"width": -1})
    with pytest.raises(TrajpromptError, match="algorithms.cloning.options.width"):
        run(store, tmp_path, settings)
