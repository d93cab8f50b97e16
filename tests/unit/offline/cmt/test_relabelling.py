"""Relabelled data: what is kept, which prompts are tried, and the file."""

import dataclasses

import h5py
import numpy as np
import pytest
import torch

from support.cmt_tuning import (
    OPTIONS,
    hopper_episodes,
    make_backbone,
    make_relabelled,
    make_table,
)
from trajprompt.artifacts.atomic import file_hash
from trajprompt.errors import TrajpromptError
from trajprompt.models.backbone import load_backbone, save_backbone
from trajprompt.models.cmt.relabelled_file import read_relabelled, write_relabelled
from trajprompt.offline.cmt.relabelling import best_prompts, explained_variances, relabel
from trajprompt.settings.options import OptionError, parse_options

BACKBONE = make_backbone()
DATA, BEST = make_relabelled(BACKBONE)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_an_action_changes_only_if_a_plan_is_better():
    better = DATA.gains > 0
    assert better.any()
    assert (DATA.gains >= 0).all()
    kept = ~better
    assert torch.equal(DATA.actions[kept], DATA.logged_actions[kept])
    assert (DATA.actions != DATA.logged_actions).any()
    rows = torch.arange(len(DATA.gains))
    assert torch.equal(DATA.window_actions[rows, DATA.places], DATA.logged_actions)


def test_plans_end_within_the_window():
    length = BACKBONE.config.context_length
    assert DATA.places.max() == length - 1 - OPTIONS.horizon
    assert DATA.places.min() == 0
    longer = dataclasses.replace(OPTIONS, horizon=length)
    with pytest.raises(OptionError, match=f"{length} steps.*fewer than the {length} steps"):
        table = make_table(BACKBONE)
        returns = hopper_episodes().returns
        relabel(BACKBONE.model, table, returns, longer, generator())


def test_a_single_plan_with_the_logged_action_changes_nothing():
    """One prompt without noise: the policy's own plan is the only alternative."""
    options = dataclasses.replace(OPTIONS, prompts=1, expansions=1, noise=0.0)
    table, returns = make_table(BACKBONE), hopper_episodes().returns
    found = relabel(BACKBONE.model, table, returns, options, generator())
    proposed = BACKBONE.model.generator(
        found.prompts, found.states, found.window_actions, found.rewards
    ).actions[torch.arange(len(found.gains)), found.places]
    better = found.gains > 0
    torch.testing.assert_close(found.actions[better], proposed[better])


def test_the_best_prompts_are_those_of_play_in_the_best_episodes():
    """Of the episodes of 4, 31 and 43 steps, the one with the highest return."""
    task, table = hopper_episodes(), make_table(BACKBONE)
    best = int(np.argmax(task.returns))
    found = best_prompts(BACKBONE.model, table, task.returns, 0.34)
    length = BACKBONE.config.context_length
    starts = task.starts[best] + np.arange(length, task.lengths[best], length)
    windows = table.batch(torch.from_numpy(starts))
    torch.testing.assert_close(found, BACKBONE.model.encoder(windows.history))


def test_a_model_that_predicts_the_mean_explains_nothing():
    """With all heads zero, only the tanh of the actions is predicted: 0."""
    made, table = make_backbone(), make_table(BACKBONE)
    for head in ("action", "value", "reward", "change"):
        layer = getattr(made.model.generator, f"predict_{head}")
        torch.nn.init.zeros_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    found = explained_variances(made.model, table, generator())
    assert found.keys() == {"action", "value", "reward", "change"}
    for name, value in found.items():
        assert -0.2 < value <= 0.0, name


@pytest.fixture
def files(tmp_path):
    backbone, path = tmp_path / "backbone.safetensors", tmp_path / "relabelled.h5"
    save_backbone(backbone, BACKBONE, {})
    inputs = f'{{"backbone": "{file_hash(backbone)}"}}'
    write_relabelled(path, DATA, BEST, {"inputs": inputs, "suite": "hopper-medium"})
    return path, backbone


def test_the_file_keeps_all_values(files):
    found, best = read_relabelled(*files, BACKBONE.config)
    assert torch.equal(best, BEST)
    for one, other in zip(found, DATA, strict=True):
        assert torch.equal(one, other)


def test_the_backbones_file_keeps_the_model(files):
    loaded = load_backbone(files[1])
    assert loaded.config == BACKBONE.config
    assert loaded.family == "history"
    for name, tensor in BACKBONE.model.state_dict().items():
        assert torch.equal(loaded.model.state_dict()[name], tensor)


def test_data_of_another_backbone_are_refused(files):
    other = files[1].with_name("other.safetensors")
    save_backbone(other, make_backbone(seed=1), {})
    with pytest.raises(TrajpromptError, match="data of another backbone"):
        read_relabelled(files[0], other, BACKBONE.config)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("gains", np.full(len(DATA.gains), np.nan, np.float32), "NaN or infinity"),
        ("places", np.full(len(DATA.gains), 99), "places outside a window"),
        ("actions", np.zeros((3, 3), np.float32), "actions: found type float32, shape"),
    ],
)
def test_wrong_values_are_refused(files, name, values, message):
    with h5py.File(files[0], "r+") as file:
        del file[name]
        file[name] = values
    with pytest.raises(TrajpromptError, match=message):
        read_relabelled(*files, BACKBONE.config)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"horizon": 0}, "relabel.horizon.*0.*at least 1"),
        ({"discount": 0.9}, "relabel.discount.*unknown"),  # the model's is used
        ({"beams": 3}, "relabel.beams.*unknown"),
    ],
)
def test_wrong_options_are_named(values, message):
    with pytest.raises(TrajpromptError, match=message):
        parse_options(type(OPTIONS), values, "relabel")
