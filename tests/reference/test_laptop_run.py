"""The kept laptop run: it learned what it had to, and the README shows just its numbers."""

import csv
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RUN = ROOT / "results/reference/laptop"


@pytest.fixture(scope="module")
def table():
    rows = csv.DictReader((RUN / "tables/table1.csv").open())
    return {(row["column"], row["suite"]): row for row in rows}


def number(table, column, suite, field="mean"):
    return float(table[column, suite][field])


def test_velocity_experts_learned_from_random_play(table):
    assert number(table, "data-expert", "cheetah-vel") > -80
    assert number(table, "data-first", "cheetah-vel") < -200


@pytest.mark.parametrize("suite", ["cheetah-vel", "cheetah-dir"])
def test_prompt_dt_closes_the_gap_to_the_expert_data(table, suite):
    assert number(table, "prompt-dt", suite, "gap_closed") >= 0.8


def test_without_a_prompt_directions_are_lost(table):
    assert number(table, "mt-orl", "cheetah-dir", "high") < number(
        table, "prompt-dt", "cheetah-dir", "low"
    )


def test_every_number_comes_from_three_seeds(table):
    counts = {row["seeds"] for key, row in table.items() if not key[0].startswith("data-")}
    assert counts == {"3"}


def test_the_readme_shows_this_run():
    readme = (ROOT / "README.md").read_text()
    lines = (RUN / "tables/table1.md").read_text().splitlines()
    shown = [line for line in lines if line.startswith("|")]
    assert shown and all(line in readme for line in shown)


def test_what_made_it_is_recorded():
    record = json.loads((RUN / "record.json").read_text())
    assert record["config"]["run"] == "laptop"
    evaluations = [path for path in record["inputs"] if "/4_evaluate/" in path]
    assert len(evaluations) == 99  # 33 cells, three seeds
    assert not record["commit"].endswith("-dirty")
