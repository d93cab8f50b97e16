"""Values in README.md, recomputed from the kept run."""

import csv
import re

import numpy as np
import pytest
from scipy import stats

from support.paths import ROOT

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


def test_findings_are_t_intervals_that_exclude_zero():
    """The differences in claims.csv are mean, minimum and maximum over three seeds."""
    claims = {(row["claim"], row["suite"]): row for row in rows("claims.csv")}
    found = FINDING.findall(README)
    assert len(found) >= 5
    for suite, *numbers, claim in found:
        row = claims[claim, suite]
        assert row["seeds"] == "3"
        mean, low, high = (float(row[name]) for name in ("difference", "low", "high"))
        seeds = [low, 3 * mean - low - high, high]
        interval = stats.t.interval(0.95, df=2, loc=mean, scale=stats.sem(seeds))
        assert np.sign(interval[0]) == np.sign(interval[1])
        expected = pytest.approx([mean, *interval], abs=0.5 if abs(mean) >= 20 else 0.05)
        assert [float(number) for number in numbers] == expected


def test_verdicts_and_claims():
    lines = dict(csv.reader((RUN / "summary.csv").open()))
    counted = lines["verdicts on the papers' claims, suite by suite"]
    assert counted in " ".join(README.split())
    total = sum(int(number) for number in re.findall(r"\d+", counted))
    assert f"Verdicts on {total} claims of the papers, counted once per suite" in README


def test_it_is_short():
    assert len(README.splitlines()) <= 150 and len(README.encode()) <= 10_000
