"""Shares of attention of segments and context."""

import dataclasses

import h5py
import pytest
import torch

from support.plots_run import (
    SEGMENTS,
    make_figure,
)
from support.plots_tables import kind_table, table_of
from trajprompt.errors import TrajpromptError
from trajprompt.models import attention, backbone
from trajprompt.models.backbone import load_backbone
from trajprompt.report.plots.kinds.attention import LARGEST, MEAN, MOMENTS


def test_attention_is_shared_among_segments_and_context(tmp_path):
    rows = kind_table(tmp_path, "attention")
    means = rows[(rows["column"] == "bandit") & (rows["layer"] == MEAN)]
    for moment in MOMENTS.values():
        shares = means[means["moment"] == moment].set_index("segment")["mean"]
        assert list(shares.index) == [*range(1, SEGMENTS + 1), LARGEST]
        segments = shares.drop(LARGEST)
        assert 0 < segments.sum() < 1
        assert segments.max() <= shares[LARGEST] < segments.sum()
    layers = rows[(rows["column"] == "bandit") & (rows["segment"] == 1)]
    layers = layers[layers["moment"] == "after tuning"].set_index("layer")["mean"]
    assert list(layers.index) == [1, 2, 3, MEAN]
    assert layers[MEAN] == pytest.approx(layers.drop(MEAN).mean())


def test_uniform_attention_gives_the_even_share(tmp_path, monkeypatch):
    """All contexts are padded: episodes have 4 steps, contexts 20."""

    def uniform(path):
        loaded = load_backbone(path)
        for block in loaded.model.blocks:
            torch.nn.init.zeros_(block.query.weight)
            torch.nn.init.zeros_(block.query.bias)
        return loaded

    monkeypatch.setattr(backbone, "load_backbone", uniform)
    rows = kind_table(tmp_path, "attention")
    assert rows["mean"].to_numpy() == pytest.approx(rows["even"].to_numpy(), rel=1e-5)
    shortest, longest = 3 * 1 - 1, 3 * 4 - 1  # tokens of a context
    assert 9 / (18 + longest) < rows["even"].iloc[0] < 9 / (18 + shortest)


def test_the_share_of_a_segment_is_the_sum_over_its_steps(tmp_path, monkeypatch):
    steps = torch.tensor([0.01, 0.02, 0.03, 0.1, 0.2, 0.3])

    def fixed(model, context, prompt):
        return steps.expand(3, len(context.mask), -1)

    monkeypatch.setattr(attention, "prompt_attention", fixed)
    shares = kind_table(tmp_path, "attention").groupby("segment")["mean"]
    assert (shares.min() == shares.max()).all()
    expected = {1: 0.06, 2: 0.6, LARGEST: 0.6}
    assert shares.max().to_dict() == pytest.approx(expected)


def test_attention_needs_the_backbone_that_prompts_were_tuned_on(tmp_path):
    made = make_figure(tmp_path, "attention", ("bandit",))
    other = make_figure(tmp_path / "other", "attention", ("bandit",), seeds=(7,))
    mixed = dataclasses.replace(made, backbones=other.backbones)
    with pytest.raises(
        TrajpromptError, match="prompt-bandit/seed0: found prompts made from .*backbones"
    ):
        table_of(mixed)
    assert len(table_of(made)) == 2 * 4 * (SEGMENTS + 1)


def test_a_prompt_of_one_segment_has_no_largest_segment(tmp_path):
    made = make_figure(tmp_path, "attention", ("bandit",))
    for path in made.adaptations:
        with h5py.File(path, "r+") as file:
            file.attrs["prompt_segments"] = 1
    assert set(table_of(made)["segment"]) == {1}
