"""Figures of methods that search by playing: budgets, regret, attention, beliefs."""

import dataclasses

import numpy as np
import pytest
import torch
from matplotlib import pyplot

from support import report_run
from support.plots_run import (
    BELIEF,
    COLUMNS,
    EPISODES,
    LEVEL,
    PLAYED,
    SEEDS,
    SEGMENTS,
    make_figure,
)
from support.plots_tables import FIGURES, numbers, table_of
from trajprompt.commands.figure import main
from trajprompt.errors import TrajpromptError
from trajprompt.models import attention, backbone
from trajprompt.models.backbone import load_backbone
from trajprompt.report.numbers.cell_table import EXPERT_DATA
from trajprompt.report.plots.direct_labels import End, apart, label_ends, style
from trajprompt.report.plots.kinds.attention import LARGEST, MEAN, MOMENTS


def test_budgets_are_queries_and_the_level_of_the_expert_data(tmp_path):
    rows = numbers(tmp_path, "budget")
    start = rows[(rows["column"] == "bandit") & (rows["queries"] == 0)].iloc[0]
    level = rows[rows["column"] == "prompt-dt"].iloc[0]
    assert start["mean"] == pytest.approx(level["mean"])
    end = rows[(rows["column"] == "bandit") & (rows["queries"] == 600)].iloc[0]
    assert end["mean"] - start["mean"] == pytest.approx(COLUMNS["bandit"][2])
    expert = rows[rows["column"] == EXPERT_DATA]
    assert expert["mean"].tolist() == [report_run.LEVELS["cheetah-vel"][1]]
    assert set(rows["column"]) == {*FIGURES["budget"][0], EXPERT_DATA}


def test_regret_is_against_the_best_of_all_lines(tmp_path):
    """The bandit's last prompts are the best that is known in this run."""
    rows = numbers(tmp_path, "regret")
    last = rows[rows["queries"] == EPISODES].set_index("column")
    assert set(last.index) == {"prompt-dt", "bandit", "best-of-n", "ptdt-online"}
    gain = COLUMNS["bandit"][2]
    assert last.loc["prompt-dt", "mean"] == pytest.approx(EPISODES * gain)
    best = last["best_known"].iloc[0]
    assert best == pytest.approx(LEVEL + gain + 2 * np.mean(SEEDS), abs=1.5)
    for name in ("bandit", "best-of-n", "ptdt-online"):
        played = LEVEL + PLAYED[COLUMNS[name][1]] + 2 * np.mean(SEEDS)
        assert last.loc[name, "mean"] == pytest.approx(EPISODES * (best - played))
    assert (rows[rows["queries"] == 0]["mean"] == 0).all()
    middle = rows[(rows["queries"] == EPISODES // 2) & (rows["column"] == "bandit")]
    assert middle["mean"].iloc[0] == pytest.approx(last.loc["bandit", "mean"] / 2)


def test_regret_of_a_method_that_plays_nothing_is_an_error(tmp_path):
    made = make_figure(tmp_path, "regret", ("prompt-dt", "ptdt-offline"), "prompt-dt")
    with pytest.raises(TrajpromptError, match="offline/seed0: extras.*episode_returns"):
        table_of(made)


def test_beliefs_stand_beside_fresh_means(tmp_path):
    rows = numbers(tmp_path, "winners-curse").set_index("column")
    for name in ("bandit", "best-of-n"):
        row = rows.loc[name]
        believed = LEVEL + COLUMNS[name][2] + 2 * np.mean(SEEDS) + BELIEF
        assert row["selection"] == pytest.approx(believed)
        assert row["difference"] == pytest.approx(row["selection"] - row["mean"])
        assert row["difference_low"] <= row["difference"] <= row["difference_high"]
    for name in ("random-segments", "ptdt-online"):
        assert np.isnan(rows.loc[name, ["selection", "difference"]].to_numpy(float)).all()
        assert not np.isnan(rows.loc[name, "mean"])


def test_all_that_was_played_is_averaged(tmp_path):
    rows = numbers(tmp_path, "winners-curse").set_index("column")
    for name in ("bandit", "best-of-n", "random-segments", "ptdt-online"):
        level = LEVEL + PLAYED[COLUMNS[name][1]] + 2 * np.mean(SEEDS)
        bounds = rows.loc[name, ["played_low", "played", "played_high"]].to_numpy(float)
        assert bounds == pytest.approx([level - 1, level, level + 1])  # of a seed each


def test_a_method_without_a_belief_has_dashes(tmp_path):
    made = make_figure(tmp_path, "winners-curse", *FIGURES["winners-curse"])
    main(made.command(tmp_path / "out"))
    text = (tmp_path / "out/tables/my_winners_curse.md").read_text()
    lines = [line.split(" | ") for line in text.splitlines() if line.startswith("| ")]
    cells = {line[0].strip("| "): line[1:] for line in lines}
    assert cells[""][:2] == ["mean of all episodes played", "selection value"]
    assert cells["RANDOM-SEGMENTS"][0] == "-69.0 [-70.0, -68.0]"
    assert cells["RANDOM-SEGMENTS"][1] == cells["RANDOM-SEGMENTS"][3].strip("| ") == "–"
    assert "[" in cells["BANDIT"][3] and "winner's curse" in text


def test_attention_is_shared_among_segments_and_context(tmp_path):
    rows = numbers(tmp_path, "attention")
    own = rows[(rows["column"] == "bandit") & (rows["layer"] == MEAN)]
    for moment in MOMENTS.values():
        shares = own[own["moment"] == moment].set_index("segment")["mean"]
        assert list(shares.index) == [*range(1, SEGMENTS + 1), LARGEST]
        segments = shares.drop(LARGEST)
        assert 0 < segments.sum() < 1
        assert segments.max() <= shares[LARGEST] < segments.sum()
    layers = rows[(rows["column"] == "bandit") & (rows["segment"] == 1)]
    layers = layers[layers["moment"] == "after tuning"].set_index("layer")["mean"]
    assert list(layers.index) == [1, 2, 3, MEAN]
    assert layers[MEAN] == pytest.approx(layers.drop(MEAN).mean())


def test_a_backbone_that_looks_at_all_tokens_alike_is_on_the_even_line(
    tmp_path, monkeypatch
):
    """The run's episodes have four steps, a context twenty: all of them are padded."""

    def flat(path):
        loaded = load_backbone(path)
        for block in loaded.model.blocks:
            torch.nn.init.zeros_(block.query.weight)
            torch.nn.init.zeros_(block.query.bias)
        return loaded

    monkeypatch.setattr(backbone, "load_backbone", flat)
    rows = numbers(tmp_path, "attention")
    assert rows["mean"].to_numpy() == pytest.approx(rows["even"].to_numpy(), rel=1e-5)
    shortest, longest = 3 * 1 - 1, 3 * 4 - 1  # tokens of a context
    assert 9 / (18 + longest) < rows["even"].iloc[0] < 9 / (18 + shortest)


def test_a_segment_has_the_shares_of_its_own_steps(tmp_path, monkeypatch):
    steps = torch.tensor([0.01, 0.02, 0.03, 0.1, 0.2, 0.3])

    def seen(model, context, prompt):
        return steps.expand(3, len(context.mask), -1)

    monkeypatch.setattr(attention, "prompt_attention", seen)
    shares = numbers(tmp_path, "attention").groupby("segment")["mean"]
    assert (shares.min() == shares.max()).all()
    expected = {1: 0.06, 2: 0.6, LARGEST: 0.6}
    assert shares.max().to_dict() == pytest.approx(expected)


def test_attention_asks_for_the_backbone_that_prompts_were_tuned_on(tmp_path):
    made = make_figure(tmp_path, "attention", ("bandit",))
    other = make_figure(tmp_path / "other", "attention", ("bandit",), seeds=(7,))
    mixed = dataclasses.replace(made, backbones=other.backbones)
    with pytest.raises(TrajpromptError, match="prompt-bandit/seed0: made from .*backbones"):
        table_of(mixed)
    assert len(table_of(made)) == 2 * 4 * (SEGMENTS + 1)


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ([0.2, 0.8], [0.2, 0.8]),  # far enough
        ([0.5, 0.5], [0.45, 0.55]),
        ([0.52, 0.48, 0.9], [0.55, 0.45, 0.9]),
        ([0.0, 0.0, 0.0], [0.0, 0.1, 0.2]),
        ([1.0, 1.0], [0.9, 1.0]),
    ],
)
def test_names_are_moved_apart_as_little_as_can_be(places, expected):
    assert apart(np.array(places), 0.1) == pytest.approx(np.array(expected))


def test_names_keep_their_order_and_distance():
    places = np.random.default_rng(0).uniform(size=9) ** 3
    moved = apart(places, 0.1)
    assert (np.argsort(moved) == np.argsort(places)).all()
    assert np.diff(np.sort(moved)).min() >= 0.1 - 1e-9
    assert moved.min() >= 0 and moved.max() <= 1


def test_no_two_lines_look_alike():
    assert len({style(number) for number in range(24)}) == 24


def test_names_stand_from_the_highest_to_the_lowest_line():
    figure, axis = pyplot.subplots()
    axis.plot([0, 1], [0, 10])
    label_ends(axis, [End("low", "k", 2.0), End("high", "k", 9.0, 8.0, 12.0)])
    assert axis.get_ylim()[1] > 12  # the interval is inside
    heights = {text.get_text(): text.xyann[1] for text in axis.texts}
    pyplot.close(figure)
    assert heights["high"] > heights["low"]
