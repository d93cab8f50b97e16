"""The laptop preset has the choices of the kept calibration."""

import pandas as pd

from support.paths import CONFIG, ROOT
from trajprompt.config.choices import differences, read_choices
from trajprompt.config.load import load_config
from trajprompt.report.pages.calibration import choices

KEPT = ROOT / "results/reference/calibration"


def test_the_preset_has_the_choices():
    found = differences(load_config([CONFIG]), read_choices(KEPT / "choices.yaml"))
    assert [str(one) for one in found] == []


def test_the_choices_are_those_of_the_table():
    table = pd.read_csv(KEPT / "calibration.csv")
    assert choices(table) == read_choices(KEPT / "choices.yaml")


def test_three_backbones_judge_every_setting():
    table = pd.read_csv(KEPT / "calibration.csv")
    assert (table["backbones"] >= 3).all()
    cells = table.groupby(["suite", "method"])
    assert (cells.size() == 6).all() and (cells["chosen"].sum() == 1).all()
    assert (cells["paper"].sum() == 1).all()


def test_the_page_has_the_numbers_of_the_tables():
    table = pd.read_csv(KEPT / "calibration.csv")
    cells = table.groupby(["suite", "method"])
    other = sum(bool((cell["best"] & ~cell["chosen"]).any()) for _, cell in cells)
    at_end = sum(bool(cell["edge"].any()) for _, cell in cells)
    text = " ".join((ROOT / "docs/calibration.md").read_text().split())
    assert (
        f"In {other} of {len(cells)} rows another setting than the best is chosen" in text
    )
    assert f"In {at_end} the best one is at an end of its grid" in text
    printed = table["options"].str.contains('"step_size": 0.0001,') & (
        table["method"] == "ptdt-offline"
    )
    largest = table[printed]["action_change"].max()
    assert f"by at most {largest:.5f} on any suite" in text
    signal = pd.read_csv(KEPT / "signal.csv").query("condition == 'expert'")
    cosines = signal.set_index(["smoothing", "suite"])["cosine"]
    low, high = (
        [f"{cosines[mu, suite]:.2f}" for suite in ("cheetah-vel", "ant-dir", "cheetah-dir")]
        for mu in (0.3, 1.0)
    )
    assert f"{low[0]} on cheetah-vel, {low[1]} on ant-dir and {low[2]} on" in text
    assert f"at μ = 1 of {high[0]}, {high[1]} and {high[2]}" in text
    headroom = pd.read_csv(KEPT / "headroom.csv")
    closed = 100 * headroom[headroom["condition"] == "expert"]["gap_closed"]
    assert f"close {closed.min():.0f} % to {closed.max():.0f} % of the gap" in text
