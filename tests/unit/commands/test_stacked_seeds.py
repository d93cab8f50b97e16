"""Commands with several seeds: the files of a seed do not depend on the other seeds."""

import dataclasses
import json
import os
import signal
import time
from pathlib import Path

import pytest

from support.tuning_job import SETTINGS as TUNE
from support.tuning_job import SUITE, task_data
from trajprompt.artifacts.checkpoint import Checkpoint
from trajprompt.artifacts.checkpoint_group import CheckpointGroup
from trajprompt.artifacts.resources import read_resources
from trajprompt.commands import evaluate, pretrain, tune
from trajprompt.errors import Interrupted, TrajpromptError
from trajprompt.settings.sizes import BackboneSizes, PromptForm
from trajprompt.settings.stages import EvaluateSettings, PretrainSettings, to_json
from trajprompt.settings.training import TrainingSettings
from trajprompt.trajectories.store import write_trajectories

PRETRAIN = PretrainSettings(
    run="test", run_seed=1, suite=SUITE.name, backbone="prompt-dt", kind="prompt-dt",
    seed=0, train_tasks=(2, 7), return_scale=500.0, demonstrations=3,
    data_trajectories=3, data_fraction=1.0, batch_per_task=2,
    prompt=PromptForm(1, 5), device="cpu", stacked_seeds=True,
    sizes=BackboneSizes(width=16, layers=2, heads=1, dropout=0.1, context_length=5),
    training=TrainingSettings(4, learning_rate=1e-3, precision="fp32", validation_every=2),
)  # fmt: skip
OPTIONS = {"iterations": 2, "steps_per_iteration": 1, "candidates": 2, "ranked": 2}
ONLINE = {"method": "ptdt-online", "kind": "ptdt-online", "options": OPTIONS}
TUNE_ONLINE = dataclasses.replace(TUNE, **ONLINE, stacked_seeds=True, prompts_per_task=1)
OFFLINE = {"method": "ptdt-offline", "kind": "ptdt-offline"}
TUNE_OFFLINE = dataclasses.replace(TUNE_ONLINE, **OFFLINE)
ALL_STEPS = [("t0", 0), ("t0", 1), ("t1", 0), ("t1", 1)]  # if one seed follows the other
EVALUATE = EvaluateSettings(
    run="test", run_seed=1, suite=SUITE.name, condition="expert", method="ptdt-online",
    seed=0, episodes=2, curve_episodes=1, target_return=0.0, precision="fp32",
    engine="torch", device="cpu", threads=1, stacked_seeds=True,
)  # fmt: skip
CELL = ["--suite", SUITE.name, "--condition", "expert", "--method", "ptdt-online"]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "trajectories.h5"
    write_trajectories(path, SUITE, [task_data(2), task_data(7)], {})
    return path


def files(folder, stem: str, seeds) -> list[str]:
    return [str(folder / stem.format(seed)) for seed in seeds]


def run_pretrain(folder, store, seeds) -> None:
    arguments = ["--suite", SUITE.name, "--backbone", "prompt-dt", "--data", str(store)]
    arguments += ["--seed", *map(str, seeds)]
    arguments += ["--out", *files(folder, "b{}.safetensors", seeds)]
    arguments += ["--curve", *files(folder, "b{}.csv", seeds)]
    pretrain.main([*arguments, "--settings", to_json(_of(PRETRAIN, seeds))])


def run_tune(folder, backbones, store, seeds, settings=TUNE_ONLINE) -> None:
    cell = [*CELL[:-1], settings.method]
    arguments = [*cell, "--seed", *map(str, seeds), "--data", str(store)]
    arguments += ["--backbone-file", *files(backbones, "b{}.safetensors", seeds)]
    arguments += ["--out", *files(folder, "t{}.h5", seeds)]
    tune.main([*arguments, "--settings", to_json(_of(settings, seeds))])


def run_evaluate(folder, backbones, tuned, seeds) -> None:
    arguments = [*CELL, "--seed", *map(str, seeds)]
    arguments += ["--backbone-file", *files(backbones, "b{}.safetensors", seeds)]
    arguments += ["--adaptation", *files(tuned, "t{}.h5", seeds)]
    arguments += ["--out", *files(folder, "e{}.csv", seeds)]
    evaluate.main([*arguments, "--settings", to_json(_of(EVALUATE, seeds))])


def _of(settings, seeds):
    return dataclasses.replace(settings, seed=seeds[0])


@pytest.fixture(scope="module")
def together(store, tmp_path_factory):
    """All files of seeds 0 and 1, made together."""
    folder, seeds = tmp_path_factory.mktemp("together"), (0, 1)
    run_pretrain(folder, store, seeds)
    run_tune(folder, folder, store, seeds)
    run_evaluate(folder, folder, folder, seeds)
    return folder


def assert_equal_files(folder, expected, names) -> None:
    """Equal bytes; records except for the paths in them."""
    for name in names:
        assert (folder / name).read_bytes() == (expected / name).read_bytes(), name


@pytest.mark.parametrize("seeds", [(0,), (1,), (1, 0)])
def test_files_of_a_seed_do_not_depend_on_its_stack(together, store, tmp_path, seeds):
    run_pretrain(tmp_path, store, seeds)
    run_tune(tmp_path, together, store, seeds)
    run_evaluate(tmp_path, together, together, seeds)
    for stem in ("b{}.safetensors", "b{}.csv", "t{}.h5", "e{}.csv"):
        assert_equal_files(tmp_path, together, [stem.format(seed) for seed in seeds])
    names = {path.name for path in tmp_path.iterdir()}
    assert not any("checkpoint" in name or "tmp" in name for name in names)


def test_records_are_those_of_a_seed_and_name_the_stack(together):
    for stem in ("b", "t", "e"):
        for seed in (0, 1):
            record = json.loads((together / f"{stem}{seed}.provenance.json").read_text())
            assert record["settings"]["seed"] == seed
            assert record["settings"]["stacked_seeds"] is True
            assert read_resources(together / f"{stem}{seed}.csv") is not None


def test_only_stacks_have_several_seeds(store, tmp_path):
    plain = dataclasses.replace(TUNE_ONLINE, stacked_seeds=False)
    with pytest.raises(TrajpromptError, match="found 2 seeds; expected one"):
        run_tune(tmp_path, tmp_path, store, (0, 1), plain)


def test_every_seed_has_its_files(store, tmp_path):
    arguments = ["--suite", SUITE.name, "--backbone", "prompt-dt", "--data", str(store)]
    arguments += ["--seed", "0", "1", "--out", "a", "--curve", "b", "c"]
    with pytest.raises(TrajpromptError, match=r"--out: found 1 files for 2 seeds"):
        pretrain.main([*arguments, "--settings", to_json(PRETRAIN)])


def test_a_stopped_stack_resumes_bit_for_bit(together, store, tmp_path, monkeypatch):
    """The signal reaches the loops of all seeds; each saves its checkpoint."""
    original, steps = Checkpoint.steps, []

    def stopped(self, total, part, label):
        for step in original(self, total, part, label):
            yield step
            steps.append(step)
            if len(steps) == 2:
                signal.raise_signal(signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "steps", stopped)
        with pytest.raises(Interrupted, match="SIGTERM"):
            run_tune(tmp_path, together, store, (0, 1))
    assert signal.getsignal(signal.SIGTERM) is before
    saved = sorted(path.name for path in tmp_path.glob("*.checkpoint.h5"))
    assert saved == ["t0.checkpoint.h5", "t1.checkpoint.h5"]
    run_tune(tmp_path, together, store, (0, 1))
    assert_equal_files(tmp_path, together, ["t0.h5", "t1.h5"])
    assert read_resources(tmp_path / "t0.h5").resumed_from is not None


@pytest.fixture(scope="module")
def offline(together, store, tmp_path_factory):
    """Files of seeds 0 and 1, tuned offline: one seed after the other."""
    folder = tmp_path_factory.mktemp("offline")
    run_tune(folder, together, store, (0, 1), TUNE_OFFLINE)
    assert not list(folder.glob("*.checkpoint.h5"))
    return folder


def counted(monkeypatch, number=None, last=None):
    """The steps (file, number) of all loops; signal ``number`` is sent at ``last``."""
    original, steps = Checkpoint.steps, []

    def count(self, total, part, label):
        name = self.path.name.partition(".")[0]
        for step in original(self, total, part, label):
            steps.append((name, step))
            if steps[-1] == last:
                send(number, self)
            yield step

    monkeypatch.setattr(Checkpoint, "steps", count)
    return steps


def send(number: int, checkpoint: Checkpoint) -> None:
    """Send a signal to the main thread once that waits; return when it was handled."""
    time.sleep(0.05)
    os.kill(os.getpid(), number)
    deadline = time.monotonic() + 20
    while checkpoint._signal is None and time.monotonic() < deadline:
        time.sleep(0.001)


@pytest.mark.parametrize("last", [("t0", 0), ("t1", 0)])
def test_an_offline_method_stops_at_once_and_keeps_finished_seeds(
    together, offline, store, tmp_path, monkeypatch, last
):
    """Its seeds run one after the other; no file of the stopped job is left."""
    with monkeypatch.context() as patch:
        steps = counted(patch, signal.SIGTERM, last)
        with pytest.raises(Interrupted, match="SIGTERM"):
            run_tune(tmp_path, together, store, (0, 1), TUNE_OFFLINE)
        assert steps == ALL_STEPS[: ALL_STEPS.index(last) + 1]
    for path in [*tmp_path.glob("t?.h5"), *tmp_path.glob("*.json")]:
        path.unlink()  # as Snakemake does
    steps = counted(monkeypatch)
    run_tune(tmp_path, together, store, (0, 1), TUNE_OFFLINE)
    assert steps == ALL_STEPS[ALL_STEPS.index(last) + 1 :]
    assert_equal_files(tmp_path, offline, ["t0.h5", "t1.h5"])
    assert not list(tmp_path.glob("*.checkpoint.h5"))


def test_a_signal_before_the_loop_of_a_later_seed_stops_it_too(
    together, store, tmp_path, monkeypatch
):
    original, begun = tune.prepare, []
    add = CheckpointGroup.add

    def noted(self, checkpoint):
        begun.append(checkpoint)
        add(self, checkpoint)

    def prepare(*arguments):
        if begun:
            send(signal.SIGTERM, begun[0])
        return original(*arguments)

    monkeypatch.setattr(CheckpointGroup, "add", noted)
    monkeypatch.setattr(tune, "prepare", prepare)
    steps = counted(monkeypatch)
    with pytest.raises(Interrupted, match="SIGTERM after step 1 of"):
        run_tune(tmp_path, together, store, (0, 1))
    assert steps == [("t0", 0), ("t1", 0)]
    saved = sorted(path.name for path in tmp_path.glob("*.checkpoint.h5"))
    assert saved == ["t0.checkpoint.h5", "t1.checkpoint.h5"]


def test_seeds_differ(together):
    for stem in ("b{}.safetensors", "t{}.h5", "e{}.csv"):
        first, second = files(together, stem, (0, 1))
        assert Path(first).read_bytes() != Path(second).read_bytes()
