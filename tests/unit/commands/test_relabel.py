"""From a store to a tuned CMT: learn, relabel, tune, inspect and play by commands."""

import dataclasses
import json

import h5py
import numpy as np
import pytest

from trajprompt.commands import evaluate, inspect, learn, relabel, tune
from trajprompt.errors import TrajpromptError
from trajprompt.settings.sizes import PromptForm
from trajprompt.settings.stages import (
    EvaluateSettings,
    OfflineSettings,
    RelabelSettings,
    TuneSettings,
    to_json,
)
from trajprompt.tasks.registry import get_suite
from trajprompt.trajectories.episodes import TaskTrajectories
from trajprompt.trajectories.store import write_trajectories

SUITE = get_suite("hopper-medium")
OPTIONS = {"width": 16, "encoder_layers": 1, "generator_layers": 1, "prompt_dim": 8}
OPTIONS |= {"history": 4, "context_length": 6, "batch": 8}
LEARNED = OfflineSettings(
    "test", 1, SUITE.name, "cmt", "cmt", OPTIONS, 0, (0,), 6, 3, 1, "cpu"
)
PLANNED = RelabelSettings(
    "test", 1, SUITE.name, "cmt", 0, (0,), {"states": 12, "horizon": 2, "prompts": 2}
)
TUNED = TuneSettings(
    run="test",
    run_seed=1,
    suite=SUITE.name,
    condition="cmt",
    method="adaptor",
    kind="cmt-adaptor",
    options={"updates": 4, "batch": 4},
    seed=0,
    train_tasks=(0,),
    test_tasks=(0,),
    prompt_quality="expert",
    data_quality="full",
    prompt=PromptForm(1, 5, "end"),
    prompts_per_task=1,
    samples=4,
    demonstrations=2,
    data_trajectories=4,
    data_fraction=1.0,
    target_return=0.0,
    precision="fp32",
    engine="torch",
    device="cpu",
    threads=1,
)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path, g = tmp_path_factory.mktemp("data") / "trajectories.h5", np.random.default_rng(0)
    states = g.standard_normal((600, 11)).astype(np.float32)
    task = TaskTrajectories(
        task=0,
        goal=np.zeros(1),
        observations=states,
        actions=g.uniform(-1, 1, (600, 3)).astype(np.float32),
        rewards=g.uniform(0, 2, 600).astype(np.float32),
        terminations=np.zeros(600, bool),
        episode_ends=np.arange(50, 601, 50),
        final_observations=states[:12],
        behaviour_step=np.arange(12),
    )
    write_trajectories(path, SUITE, [task], {})
    return path


@pytest.fixture(scope="module")
def files(store, tmp_path_factory):
    """Backbone and relabelled data."""
    folder = tmp_path_factory.mktemp("cmt")
    backbone, curve = folder / "seed0.safetensors", folder / "seed0.csv"
    given = ["--suite", SUITE.name, "--algorithm", "cmt", "--seed", "0"]
    given += ["--data", str(store)]
    outs = ["--out", str(backbone), "--curve", str(curve)]
    learn.main([*given, "--settings", to_json(LEARNED), *outs])
    assert "contrast_loss" in curve.read_text().splitlines()[0]
    out = folder / "relabelled0.h5"
    planned = ["--settings", to_json(PLANNED), "--backbone-file", str(backbone)]
    relabel.main([*given, *planned, "--out", str(out)])
    return backbone, out


def tuned(store, backbone, out, *relabelled, settings=TUNED):
    given = ["--suite", SUITE.name, "--condition", "cmt", "--method", settings.method]
    given += ["--seed", "0", "--data", str(store), "--settings", to_json(settings)]
    tune.main([*given, "--backbone-file", str(backbone), "--out", str(out), *relabelled])


def test_a_tuned_backbone_plays(store, files, tmp_path):
    backbone, planned = files
    adaptation, episodes = tmp_path / "adaptor.h5", tmp_path / "episodes.csv"
    tuned(store, backbone, adaptation, "--relabelled", str(planned))
    inputs = json.loads(h5py.File(adaptation).attrs["inputs"])
    assert str(planned) in inputs
    settings = EvaluateSettings(
        "test", 1, SUITE.name, "cmt", "adaptor", 0, 2, 0, 0.0, "fp32", "torch", "cpu", 1
    )
    given = ["--suite", SUITE.name, "--condition", "cmt", "--method", "adaptor"]
    given += ["--seed", "0", "--settings", to_json(settings)]
    given += ["--backbone-file", str(backbone), "--adaptation", str(adaptation)]
    evaluate.main([*given, "--out", str(episodes)])
    assert len(episodes.read_text().splitlines()) > 2


def test_relabelled_data_have_the_errors_of_the_model(files):
    with h5py.File(files[1]) as file:
        assert {"r2_action", "r2_value", "r2_reward", "r2_change"} < set(file.attrs)
        assert 0 <= file.attrs["relabelled_share"] <= 1
        assert len(file["gains"]) == 12


def test_equal_work_gives_equal_bytes(store, files, tmp_path):
    given = ["--suite", SUITE.name, "--algorithm", "cmt", "--seed", "0"]
    given += ["--data", str(store), "--settings", to_json(PLANNED)]
    out = tmp_path / "again.h5"
    relabel.main([*given, "--backbone-file", str(files[0]), "--out", str(out)])
    assert out.read_bytes() == files[1].read_bytes()


def test_inspect_shows_and_draws_relabelled_data(files, tmp_path, capsys):
    picture = tmp_path / "picture.png"
    inspect.main([str(files[1]), "--plot", str(picture)])
    shown = capsys.readouterr().out
    assert "relabelled0.h5: relabelled" in shown
    assert "R² of the action, one step" in shown
    assert picture.stat().st_size > 1000
    inspect.main([str(files[0])])
    assert "kind: cmt" in capsys.readouterr().out


def test_missing_relabelled_data_are_named(store, files, tmp_path):
    with pytest.raises(TrajpromptError, match="adaptor.*no relabelled data.*--relabelled"):
        tuned(store, files[0], tmp_path / "a.h5")


def test_a_policy_of_states_cannot_be_relabelled(store, tmp_path):
    settings = dataclasses.replace(LEARNED, backbone="bc", kind="bc", options={})
    policy = tmp_path / "bc.safetensors"
    given = ["--suite", SUITE.name, "--algorithm", "bc", "--seed", "0"]
    given += ["--data", str(store)]
    outs = ["--out", str(policy), "--curve", str(tmp_path / "bc.csv")]
    learn.main([*given, "--settings", to_json(settings), *outs])
    planned = to_json(dataclasses.replace(PLANNED, backbone="bc"))
    files = ["--backbone-file", str(policy), "--out", str(tmp_path / "r.h5")]
    with pytest.raises(TrajpromptError, match="found the backbone bc.*a CMT"):
        relabel.main([*given, "--settings", planned, *files])
