"""Power of the paired t test against statsmodels, and the table of a run."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from support.paths import ROOT
from trajprompt.report.numbers.plan import PaperDelta, Plan
from trajprompt.report.numbers.power import (
    PER_SUITE,
    power,
    power_table,
    seeds_needed,
    smallest_effect,
)
from trajprompt.report.pages.power_markdown import power_markdown

CONTRAST = ("p", "reach", "greater", "a", "b", "")
PLAN = Plan({"reach": 2.0}, frozenset({CONTRAST, ("p", "reach", "greater", "a", "x", "")}))


@pytest.mark.parametrize(
    "effect, seeds, alpha", [(0.4, 20, 0.05), (1.3, 5, 0.01), (2, 3, 0.2)]
)
def test_power_agrees_with_statsmodels(effect, seeds, alpha):
    assert power(effect, seeds, alpha) == pytest.approx(
        TTestPower().power(effect, seeds, alpha), abs=1e-6
    )


def test_smallest_effect_and_seeds_invert_the_power():
    for seeds in (2, 3, 5, 20):
        effect = smallest_effect(seeds, 0.05)
        assert power(effect, seeds, 0.05) == pytest.approx(0.8)
        assert seeds_needed(effect * 1.0001, 0.05) == seeds
    assert seeds_needed(1e-4, 0.05) is None


def test_table_of_the_documentation():
    text = (ROOT / "docs/statistics.md").read_text().partition("## Power")[2]
    rows = re.findall(r"^\| (\d+) \| ([\d.]+) \| ([\d.]+) \|$", text, re.M)
    assert [int(seeds) for seeds, *_ in rows] == [3, 5, 8, 10, 20]
    for seeds, *shown in rows:
        found = (smallest_effect(int(seeds), 0.05 / family) for family in (1, 7))
        assert shown == [f"{effect:.2f}" for effect in found]


def _rows() -> pd.DataFrame:
    names = ("paper", "suite", "direction", "first", "second", "minus")
    rows = [dict(zip(names, CONTRAST, strict=True)) | {"claim": "one", "spread": 3.0}]
    rows += [rows[0] | {"claim": "the same"}, rows[0] | {"second": "c", "spread": 4.0}]
    common = {"verdict": "too noisy", "seeds": 5, "delta": 2.0, "published_difference": 6.0}
    return pd.DataFrame([row | common for row in rows])


def test_table_of_a_run():
    table = power_table(_rows(), PLAN).set_index("claim")
    assert list(table.index) == ["one", PER_SUITE]
    half = stats.t.isf(0.025, 4) * 3 / np.sqrt(5)
    assert table.loc["one", "half_width"] == pytest.approx(half)
    assert table.loc["one", "half_width_per_delta"] == pytest.approx(half / 2)
    assert table.loc["one", "detected"] == pytest.approx(3 * smallest_effect(5, 0.05))
    assert table.loc["one", "seeds_needed"] == seeds_needed(2.0, 0.05)
    assert table.loc[PER_SUITE, "spread"] == pytest.approx(np.sqrt((9 + 16) / 2))
    assert table.loc[PER_SUITE, "contrasts"] == 2
    text = power_markdown(power_table(_rows(), PLAN), PLAN)
    assert f"| MW reach | one | 5 | 3.00 | 2.00 | {half:.2f} |" in text


def test_contrasts_of_a_suite_with_other_deltas_have_rows_of_their_own():
    rows = pd.concat([_rows(), _rows().assign(paper="other", delta=0.5, spread=1.0)])
    plan = replace(
        PLAN, paper_deltas={("other", "reach"): PaperDelta(0.5, "few gain more")}
    )
    table = power_table(rows, plan)
    whole = table[table["claim"] == PER_SUITE].set_index("delta")
    assert list(whole.index) == [2.0, 0.5] and whole.loc[0.5, "spread"] == 1.0
    assert "| MW reach, other | 0.50 | few gain more |" in power_markdown(table, plan)


def test_primary_contrasts_of_a_part_share_the_strictest_level():
    """Two of different papers: each alone at α, in a part at α / 2."""
    rows = _rows().iloc[[0, 0]].assign(paper=["p", "other"], claim=["one", "two"])
    both = frozenset({CONTRAST, ("other", *CONTRAST[1:])})
    sizes = [
        list(power_table(rows, Plan({"reach": 2.0}, both, parts=parts))["family"][:2])
        for parts in ({}, {"reach": "one"})
    ]
    assert sizes == [[1, 1], [2, 2]]


def test_a_single_seed_has_no_power():
    table = power_table(_rows().assign(spread=np.nan), PLAN)
    assert table.empty and "no power" in power_markdown(table, PLAN)
