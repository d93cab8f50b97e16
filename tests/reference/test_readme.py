"""Values in README.md, recomputed from the kept run."""

import csv
import re

import numpy as np
import pytest
from scipy import stats

from support.paths import ROOT
from trajprompt.report.read.published import AVERAGE

RUN = ROOT / "results/reference/laptop"
README = (ROOT / "README.md").read_text()
SUITES = ["cheetah-dir", "cheetah-vel", "ant-dir", "reach"]
METHODS = {
    "MT-ORL: no prompt": "mt-orl",
    "Prompt-DT, random prompt": "prompt-dt-random",
    "Prompt-DT, expert prompt, untuned": "prompt-dt",
    "Prompt-DT-FT, fine-tuned": "prompt-dt-ft",
    "PTDT-offline": "ptdt-offline",
    "PTDT-online": "ptdt-online",
    "Prompt Diffuser": "prompt-diffuser",
}
FINDING = re.compile(r"^\| .* \| (\S+) \| (\S+) \[(\S+), (\S+)\] \| `(\S+)` \|$", re.M)


def rows(path):
    return list(csv.DictReader((RUN / path).open()))


def test_the_table_of_returns():
    names = ("pd_table1", "ptdt_table1")
    kept = {
        (row["column"], row["suite"]): row
        for name in names
        for row in rows(f"tables/{name}.csv")
    }
    for label, entry in METHODS.items():
        (line,) = re.findall(rf"^\| {re.escape(label)} \| (.*) \|$", README, re.M)
        for suite, cell in zip(SUITES, line.split(" | "), strict=True):
            ours, paper = (kept[entry, suite][name] for name in ("mean", "published"))
            decimals = 1 if suite == "cheetah-vel" else 0
            assert cell == f"{float(ours):.{decimals}f} ({float(paper):.{decimals}f})"


def t_interval(claim):
    """Mean and 95 % t interval of a difference of three seeds, a row of claims.csv.

    The row has the mean, the least and the greatest of the seeds.
    """
    assert claim["seeds"] == "3"
    mean, low, high = (float(claim[name]) for name in ("difference", "low", "high"))
    error = stats.sem([low, 3 * mean - low - high, high])
    if error == 0:
        return mean, mean, mean
    return mean, *stats.t.interval(0.95, df=2, loc=mean, scale=error)


def test_findings_are_t_intervals_that_exclude_zero():
    claims = {(row["claim"], row["suite"]): row for row in rows("claims.csv")}
    found = FINDING.findall(README)
    assert len(found) == 10
    for suite, *numbers, claim in found:
        mean, low, high = t_interval(claims[claim, suite])
        assert np.sign(low) == np.sign(high)
        expected = pytest.approx([mean, low, high], abs=0.5 if abs(mean) >= 20 else 0.05)
        assert [float(number) for number in numbers] == expected


def is_settled(direction, low, high, margin):
    """Whether the interval lies inside or outside the claimed region, the old rule."""
    lower = margin if direction == "greater" else -margin
    upper = margin if direction == "equivalent" else np.inf
    return (lower < low and high < upper) or high < lower or low > upper


def test_the_number_of_settled_differences():
    """Averages are left out: their bounds are no seeds."""
    settled = 0
    for claim in rows("claims.csv"):
        if claim["difference"] and claim["suite"] != AVERAGE:
            _, *bounds = t_interval(claim)
            settled += is_settled(claim["direction"], *bounds, float(claim["margin"]))
    assert f"Three seeds settle {settled} differences" in README


def test_the_offline_method_that_beats_the_untuned_prompt():
    """Of the claims on offline methods against no tuning, one holds on one suite."""
    names = ("ptdt-finetuning-helps", "ptdt-offline-helps", "pd-beats-untuned")
    better = {
        (claim["claim"], claim["suite"]): t_interval(claim)
        for claim in rows("claims.csv")
        if claim["claim"] in names and t_interval(claim)[1] > 0
    }
    ((name, suite),) = better
    assert (
        f"by {better[name, suite][0]:.1f} (`{name}`)" in README and suite == "cheetah-vel"
    )


def test_the_share_of_the_task_with_most_of_the_bandits_gain():
    tasks = [
        row
        for row in rows("tables/bandits_table_id_tasks.csv")
        if row["suite"] == "cheetah-vel"
    ]
    gains = [
        float(bandit["mean"]) - float(untuned["mean"])
        for bandit in tasks
        for untuned in tasks
        if (bandit["column"], untuned["column"]) == ("bandit", "pdt")
        and bandit["task"] == untuned["task"]
    ]
    share = f"{100 * max(gains) / sum(gains):.0f} %"
    assert f"one of five tasks gives {share} of the gain" in README and len(gains) == 5


def test_verdicts_and_claims():
    lines = dict(csv.reader((RUN / "summary.csv").open()))
    counted = lines["verdicts on the papers' claims, suite by suite"]
    assert counted in " ".join(README.split())
    total = sum(int(number) for number in re.findall(r"\d+", counted))
    assert f"Verdicts on {total} claims of the papers, counted once per suite" in README


def test_it_is_short():
    assert len(README.splitlines()) <= 150 and len(README.encode()) <= 10_000
