"""The laptop preset has the choices of the kept calibration."""

import pandas as pd

from support.paths import CONFIG, ROOT
from trajprompt.config.choices import differences, read_choices
from trajprompt.config.load import load_config
from trajprompt.report.pages.calibration import choices

KEPT = ROOT / "results/reference/calibration"
D4RL = ["halfcheetah-medium", "hopper-medium", "walker2d-medium"]
PROMPT_TUNING = ["ptdt-offline", "ptdt-online"]


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
    headroom = pd.read_csv(KEPT / "headroom.csv").query("condition == 'expert'")
    closed = 100 * headroom.set_index("suite")["gap_closed"]  # on D4RL, the score
    low, high = closed.drop(D4RL).min(), closed.drop(D4RL).max()
    assert f"close {low:.0f} % to {high:.0f} % of the gap" in text
    cheetah, hopper, walker = (f"{closed[suite]:.0f}" for suite in D4RL)
    assert f"{cheetah} (halfcheetah), {hopper} (hopper) and {walker} (walker2d)" in text


def test_the_page_has_the_numbers_of_the_d4rl_suites():
    table = pd.read_csv(KEPT / "calibration.csv").set_index(["suite", "method"])
    text = " ".join((ROOT / "docs/calibration.md").read_text().split())
    prompts = pd.concat([table.loc[(s, m)] for s in D4RL for m in PROMPT_TUNING])
    assert 0.01 < prompts["action_change"].max() <= 0.02
    assert "changes the predicted actions by more than 0.02" in text
    tuned = [table.loc[(suite, "full-finetune")].query("paper").iloc[0] for suite in D4RL]
    changes = [row["action_change"] for row in tuned]
    assert f"changes them by {min(changes):.2f} to {max(changes):.2f}" in text
    cheetah, hopper, walker = (
        f"{abs(row['gain']):,.0f} ± {row['se']:.0f}" for row in tuned
    )
    assert f"gains {cheetah} on halfcheetah, {hopper} on hopper, and loses {walker}" in text
