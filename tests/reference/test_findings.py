"""Differences on the pages docs/findings/*.md: each names its claim and has its values."""

import csv
import re

import pytest

from support.paths import ROOT

PAGES = sorted((ROOT / "docs/findings").glob("*.md"))
NUMBER = r"([+−-]?\d+\.\d)"
DIFFERENCE = re.compile(rf"{NUMBER} \[{NUMBER}, {NUMBER}\] on ([a-z-]+)")
# One or several differences, then the claim that all of them belong to.
GROUP = re.compile(rf"(?:{DIFFERENCE.pattern},? )+\(`([a-z0-9-]+)`\)")
ROW = re.compile(rf"\| {NUMBER} \[{NUMBER}, {NUMBER}\] \| `([a-z0-9-]+)` \|")


@pytest.fixture(scope="module")
def claims():
    with (ROOT / "results/reference/laptop/claims.csv").open() as file:
        return {(row["claim"], row["suite"]): row for row in csv.DictReader(file)}


def values(numbers):
    return [float(number.replace("−", "-")) for number in numbers]


def kept(claims, claim, suite):
    names = ("difference", "low", "high")
    return pytest.approx([float(claims[claim, suite][name]) for name in names], abs=0.051)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_differences_are_those_of_their_claims(page, claims):
    text = " ".join(page.read_text().split())
    grouped = 0
    for group in GROUP.finditer(text):
        for *numbers, suite in DIFFERENCE.findall(group[0]):
            assert values(numbers) == kept(claims, group[5], suite), group[0]
            grouped += 1
    assert grouped == len(DIFFERENCE.findall(text)) > 5  # none is without a claim
    for *numbers, claim in ROW.findall(text):
        assert values(numbers) == kept(claims, claim, "cheetah-vel"), claim
