"""The pretraining stage on a tiny store, and the files that it writes."""

import csv
import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors import safe_open

from trajprompt.commands import pretrain as stage
from trajprompt.errors import TrajpromptError
from trajprompt.models.backbone import load_backbone, save_backbone
from trajprompt.models.pretraining_data import hold_out, prepare
from trajprompt.settings.sizes import BackboneSizes, PromptForm
from trajprompt.settings.stages import PretrainSettings
from trajprompt.settings.training import TrainingSettings
from trajprompt.tasks.registry import get_suite
from trajprompt.trajectories.demonstrated_task import Stores
from trajprompt.trajectories.episodes import TaskTrajectories
from trajprompt.trajectories.store import write_trajectories

SUITE = get_suite("cheetah-dir")


def make_task(task: int, episodes: int = 8, length: int = 30) -> TaskTrajectories:
    generator = np.random.default_rng(task)
    rows = episodes * length
    return TaskTrajectories(
        task,
        SUITE.goals[task],
        generator.normal(task, 1.0, (rows, SUITE.state_dim)).astype(np.float32),
        generator.uniform(-1, 1, (rows, SUITE.action_dim)).astype(np.float32),
        generator.normal(size=rows).astype(np.float32),
        np.zeros(rows, bool),
        np.arange(1, episodes + 1) * length,
        np.zeros((episodes, SUITE.state_dim), np.float32),
        np.arange(episodes) * length,
    )


TRAINING = TrainingSettings(
    steps=4,
    learning_rate=1e-3,
    warmup_steps=2,
    schedule="cosine",
    precision="fp32",
    validation_every=2,
)


def make_settings(backbone: str = "prompt-dt", **changes) -> PretrainSettings:
    values = dict(
        run="test", run_seed=1, suite=SUITE.name, backbone=backbone, kind=backbone, seed=0,
        train_tasks=(0, 1), return_scale=1000.0, demonstrations=2,
        data_trajectories=2, data_fraction=0.5, batch_per_task=2,
        prompt=PromptForm(segments=1, length=5), device="cpu",
        sizes=BackboneSizes(width=32, layers=3, heads=1, dropout=0.1, context_length=20),
        training=TRAINING,
    )  # fmt: skip
    return PretrainSettings(**{**values, **changes})


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "trajectories.h5"
    write_trajectories(path, SUITE, [make_task(0), make_task(1)], {})
    return path


@pytest.mark.parametrize("backbone", ["prompt-dt", "prompt-mt-bc", "mt-orl"])
def test_stage_writes_backbone_and_curve(backbone, store, tmp_path):
    settings = make_settings(backbone)
    out, curve = tmp_path / "b.safetensors", tmp_path / "b.csv"
    stage.run(settings, Stores(store), out, curve)
    loaded = load_backbone(out)
    assert (loaded.name, loaded.suite, loaded.return_scale) == (
        backbone,
        SUITE.name,
        1000.0,
    )
    assert loaded.config.width == 32 and not loaded.model.training
    with safe_open(out, framework="pt") as file:
        description = json.loads(file.metadata()["trajprompt"])
    assert json.loads(description["settings"])["seed"] == 0
    assert str(store) in json.loads(description["inputs"])
    with open(curve) as handle:
        rows = list(csv.DictReader(handle))
    assert [row["step"] for row in rows] == ["2", "4"]
    assert all(float(row["validation_loss"]) > 0 for row in rows)


def test_a_variant_has_another_name_and_other_prompts_than_its_kind(store, tmp_path):
    """The kind sets the tokens that it reads; the name is in its file."""
    prompt = PromptForm(2, 3, "uniform")
    form = {"prompt_segments": 2, "prompt_length": 3, "prompt_position": "uniform"}
    names = {"backbone": "pairs", "backbone_kind": "prompt-dt"}
    settings = make_settings("pairs", kind="prompt-dt", prompt=prompt)
    out = tmp_path / "b.safetensors"
    stage.run(settings, Stores(store), out, tmp_path / "b.csv")
    loaded = load_backbone(out)
    assert (loaded.name, loaded.kind) == ("pairs", "prompt-dt")
    assert loaded.config.uses_prompt and loaded.config.uses_returns
    with safe_open(out, framework="pt") as file:
        description = json.loads(file.metadata()["trajprompt"])
    assert {**names, **form}.items() <= description.items()


def test_only_backbones_with_prompts_have_attributes_of_prompts(store, tmp_path):
    out = tmp_path / "b.safetensors"
    stage.run(make_settings("mt-orl"), Stores(store), out, tmp_path / "b.csv")
    with safe_open(out, framework="pt") as file:
        description = json.loads(file.metadata()["trajprompt"])
    assert "prompt_length" not in description and description["backbone_kind"] == "mt-orl"


def test_the_form_of_prompts_changes_the_training(store, tmp_path):
    files = []
    forms = (PromptForm(1, 5), PromptForm(2, 5), PromptForm(1, 5, "uniform"))
    for number, form in enumerate(forms):
        files.append(tmp_path / f"{number}.safetensors")
        stage.run(make_settings(prompt=form), Stores(store), files[-1], tmp_path / "c.csv")
    weights = [load_backbone(file).model.predict_action.weight for file in files]
    for one, two in ((0, 1), (0, 2), (1, 2)):
        assert not torch.equal(weights[one], weights[two])


def test_in_a_file_without_a_kind_the_name_is_the_kind(store, tmp_path):
    out = tmp_path / "b.safetensors"
    stage.run(make_settings("mt-orl"), Stores(store), out, tmp_path / "b.csv")
    _rewritten(out)
    assert load_backbone(out).kind == "mt-orl"
    _rewritten(out, backbone="pairs")
    with pytest.raises(TrajpromptError, match="metadata.backbone_kind: found 'pairs'"):
        load_backbone(out)
    _rewritten(out, backbone="pairs", backbone_kind="prompt-dt")
    with pytest.raises(TrajpromptError, match="metadata.architecture"):
        load_backbone(out)


def _rewritten(path, **changes):
    """Rewrite the file with other metadata, without a kind unless ``changes`` set it."""
    from safetensors.torch import load_file, save_file

    with safe_open(path, framework="pt") as file:
        description = json.loads(file.metadata()["trajprompt"])
    description.pop("backbone_kind", None)
    text = json.dumps({**description, **changes})
    tensors = {name: tensor.clone() for name, tensor in load_file(path).items()}
    save_file(tensors, path, {"trajprompt": text})


def test_equal_settings_give_equal_bytes_and_seeds_differ(store, tmp_path):
    files = [tmp_path / name for name in ("a", "b", "c")]
    for file, seed in zip(files, (0, 0, 1), strict=True):
        stage.run(make_settings(seed=seed), Stores(store), file, tmp_path / "curve")
    first, repeated, other = (file.read_bytes() for file in files)
    assert first == repeated
    assert first != other


def test_nan_names_the_data_file_and_writes_nothing(store, tmp_path):
    out = tmp_path / "b.safetensors"
    diverging = dataclasses.replace(TRAINING, learning_rate=float("inf"))
    with pytest.raises(TrajpromptError, match=r"trajectories\.h5.*at step"):
        stage.run(make_settings(training=diverging), Stores(store), out, tmp_path / "c")
    assert list(tmp_path.iterdir()) == []


def test_normaliser_and_contexts_come_from_the_last_part():
    tasks = [make_task(0, episodes=40), make_task(1, episodes=40)]
    data = prepare(tasks, 0.5, 2, 2, 1.0, "cpu")
    used = [hold_out(task.last_fraction(0.5))[0].observations for task in tasks]
    mean = torch.from_numpy(np.concatenate(used).mean(axis=0))
    torch.testing.assert_close(data.normaliser.mean, mean, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("episodes, held", [(1, 1), (2, 1), (8, 1), (20, 1), (60, 3)])
def test_held_out_episodes_are_not_trained_on(episodes, held):
    training, validation = hold_out(make_task(0, episodes=episodes))
    assert validation.num_episodes == held
    if episodes > 1:
        assert training.num_episodes + held == episodes
        assert not set(training.behaviour_step) & set(validation.behaviour_step)


def test_damaged_files_are_refused(store, tmp_path):
    out = tmp_path / "b.safetensors"
    stage.run(make_settings(), Stores(store), out, tmp_path / "c.csv")
    data, loaded = out.read_bytes(), load_backbone(out)
    out.write_bytes(data[: len(data) // 2])
    with pytest.raises(TrajpromptError, match="bytes, according to its header"):
        load_backbone(out)
    with torch.no_grad():
        loaded.model.predict_action.bias[0] = float("nan")
    save_backbone(out, loaded, {})
    with pytest.raises(TrajpromptError, match="NaN or infinity in .*predict_action.bias"):
        load_backbone(out)
    with pytest.raises(TrajpromptError, match="missing or empty file"):
        load_backbone(tmp_path / "none")


def test_reading_a_backbone_does_not_import_the_compiler(store, tmp_path):
    """Its import takes a second of each job."""
    out = tmp_path / "b.safetensors"
    stage.run(make_settings(), Stores(store), out, tmp_path / "c.csv")
    load = (
        f"from trajprompt.models.backbone import load_backbone; load_backbone({str(out)!r})"
    )
    code = f"import sys; {load}; sys.exit('torch._dynamo' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
