"""Headroom of untuned prompts, and returns from varied starts."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from support.report_table import made, run
from trajprompt.report.numbers.headroom import headroom_table, starts_table
from trajprompt.report.pages.headroom_markdown import headroom_markdown
from trajprompt.report.read.baselines import read_random_play

__all__ = ["made", "run"]  # fixtures
SUITES = ("cheetah-vel", "reach")


@pytest.fixture
def whole(made, run):
    plays = map(read_random_play, made.random_policies)
    return replace(run, random={play.suite: play for play in plays})


def test_the_headroom_is_what_is_left_to_the_expert(whole):
    table = headroom_table(whole).set_index(["suite", "column"])
    row = table.loc[("cheetah-vel", "prompt-dt")]
    untuned = whole.scores(whole.entry("prompt-dt"))["cheetah-vel"].values.mean()
    assert row["untuned"] == pytest.approx(untuned)
    assert (row["random"], row["first"], row["expert"]) == pytest.approx((-270, -260, -52))
    assert row["gap_closed"] == pytest.approx((untuned + 260) / 208)
    assert row["headroom"] == pytest.approx(-52 - untuned)
    assert (row["seeds"], row["episodes"]) == (3, 3)
    tuned = {"ptdt-online", "ptdt-offline", "prompt-dt-ft"}
    assert not tuned & set(table.index.get_level_values("column"))


def test_on_d4rl_suites_the_ends_of_the_gap_are_d4rls(whole):
    table, none = headroom_table(whole), starts_table(whole)
    assert "D4RL" not in headroom_markdown(table, none, whole)
    text = headroom_markdown(table.assign(suite="hopper-medium"), none, whole)
    assert "| first data, or D4RL's 0 | untuned | expert data, or D4RL's 100 |" in text
    assert "Neither is of this run's data" in text


def test_without_varied_starts_the_page_says_so(whole):
    starts = starts_table(whole)
    assert starts.empty
    text = headroom_markdown(headroom_table(whole), starts, whole)
    assert "This run has no evaluation from varied starts" in text


def test_returns_from_both_starts_are_beside_each_other(whole):
    evaluations = type(whole.evaluations)([], whole.name)
    for condition, method, shift in (
        ("expert", "none", 10),
        ("few-shot", "ptdt-online", 25),
    ):
        for seed in whole.seeds:
            plain = whole.evaluations._cells["cheetah-vel", condition, method, seed]
            evaluations._cells["cheetah-vel", "expert", method, seed] = plain
            rows = whole.evaluations._cells["reach", condition, method, seed]
            varied = rows[rows["checkpoint"] == "last"].assign(checkpoint="varied")
            varied["return"] += shift
            evaluations._cells["reach", "expert", method, seed] = pd.concat([rows, varied])
    entries = [replace(e, condition="expert") for e in whole.entries]
    kept = tuple(e for e in entries if e.id in ("prompt-dt", "ptdt-online"))
    varied = replace(whole, evaluations=evaluations, entries=kept, suites=SUITES)
    starts = starts_table(varied).set_index("column")
    assert set(starts["suite"]) == {"reach"}  # cheetah-vel has no varied starts
    assert list(starts.index) == ["prompt-dt", "ptdt-online"]
    tuned = starts.loc["ptdt-online"]
    assert tuned["varied"] - tuned["equal"] == pytest.approx(25)
    assert tuned["varied_gain"] - tuned["equal_gain"] == pytest.approx(15)
    assert np.isnan(starts.loc["prompt-dt", "varied_gain"])
