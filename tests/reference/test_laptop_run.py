"""The kept laptop run: it learned what it had to, and the README shows just its numbers."""

import csv
import json
import re
from pathlib import Path

import pytest

from trajprompt.config import cells as table_cells
from trajprompt.config.load import load_config

ROOT = Path(__file__).resolve().parents[2]
RUN = ROOT / "results/reference/laptop"
README = ROOT / "README.md"
CONFIG = load_config([ROOT / "config.yaml"])
PUBLISHED = ["cheetah-dir", "cheetah-vel", "ant-dir", "reach"]  # suites of both Tables 1


def rows_of(name):
    return list(csv.DictReader((RUN / f"tables/{name}.csv").open()))


@pytest.fixture(scope="module")
def table():
    rows = [*rows_of("ptdt_table1"), *rows_of("pd_table1")]
    return {(row["column"], row["suite"]): row for row in rows}


def number(table, column, suite, field="mean"):
    return float(table[column, suite][field])


def test_velocity_experts_learned_from_random_play(table):
    assert number(table, "data-expert", "cheetah-vel") > -80
    assert number(table, "data-first", "cheetah-vel") < -200


@pytest.mark.parametrize("suite", ["cheetah-vel", "cheetah-dir"])
def test_prompt_dt_closes_the_gap_to_the_expert_data(table, suite):
    assert number(table, "prompt-dt", suite, "gap_closed") >= 0.8


@pytest.mark.parametrize("suite", PUBLISHED)
def test_prompt_dt_beats_the_same_model_without_a_prompt(table, suite):
    assert number(table, "mt-orl", suite) < number(table, "prompt-dt", suite)


def test_without_a_prompt_directions_are_lost(table):
    """By intervals: two opposite tasks that nothing but the prompt tells apart."""
    lost = number(table, "mt-orl", "cheetah-dir", "high")
    assert lost < number(table, "prompt-dt", "cheetah-dir", "low")


@pytest.mark.parametrize("suite", PUBLISHED)
def test_expert_prompts_beat_random_ones(table, suite):
    random = number(table, "prompt-dt-random", suite, "high")
    assert random < number(table, "prompt-dt", suite, "low")


@pytest.mark.parametrize("suite", PUBLISHED)
def test_prompt_diffuser_keeps_what_its_initial_prompt_earns(table, suite):
    """Its mean lies in Prompt-DT's interval or above, or the README says how far not."""
    own, untuned = (
        number(table, column, suite) for column in ("prompt-diffuser", "prompt-dt")
    )
    if own < number(table, "prompt-dt", suite, "low"):
        assert any(says(sentence, suite, untuned - own) for sentence in sentences())


def says(sentence, suite, loss):
    """Whether it names the Prompt Diffuser, this suite and what the method loses there."""
    ends = r"(?![-\w])"  # Ant-dir is not Ant-dir-OOD
    found = re.search(rf"\b{re.escape(suite)}{ends}", sentence, re.IGNORECASE)
    lost = re.search(rf"\b{loss:.0f}\b", sentence)
    return bool(found and lost) and "prompt diffuser" in sentence.lower()


def sentences():
    """The README's prose without its tables, pictures and code."""
    text = re.sub(r"```.*?```|^[|!#].*?$", "", README.read_text(), flags=re.S | re.M)
    for part in re.split(r"\n\s*\n|^\s*[-*] ", text, flags=re.M):
        yield from re.split(r"(?<=[.!?])\s", " ".join(part.split()))


@pytest.mark.parametrize("name", table_cells.tables(CONFIG))
def test_every_table_is_kept_and_comes_from_three_seeds(name):
    rows = [row for row in rows_of(name) if not row["column"].startswith("data-")]
    assert {row["seeds"] for row in rows} == {"3"}
    assert {row["column"] for row in rows} == set(CONFIG["tables"][name]["entries"])


@pytest.mark.parametrize("name", table_cells.figures(CONFIG))
def test_every_figure_is_kept(name):
    assert (RUN / f"figures/{name}.svg").stat().st_size > 1000
    assert rows_of(name)


@pytest.mark.parametrize("name", ["ptdt_table1", "pd_table1"])
def test_the_readme_shows_this_run(name):
    returns = (RUN / f"tables/{name}.md").read_text().split("\n\n")
    shown = next(block for block in returns if block.startswith("|"))
    assert shown.strip() in README.read_text()


def test_the_readme_gives_its_verdicts():
    claims = (RUN / "claims.md").read_text().splitlines()
    readme = README.read_text().splitlines()
    head = claims.index(next(line for line in claims if line.startswith("| reproduced |")))
    counts = claims[head : head + 3]
    place = readme.index(counts[0])
    assert readme[place : place + 3] == counts
    words = ("| reproduced |", "| not reproduced |", "| inconclusive |")
    shown = [line for line in readme if any(word in line for word in words)]
    assert len(shown) > 1 and set(shown) <= set(claims)


def test_what_made_it_is_recorded():
    record = json.loads((RUN / "record.json").read_text())
    assert record["config"]["run"] == "laptop"
    played = [Path(path) for path in record["inputs"] if "/4_evaluate/" in path]
    evaluations = [path for path in played if path.stem.startswith("seed")]
    assert len(evaluations) == 3 * len(table_cells.cells(CONFIG))
    assert not record["commit"].endswith("-dirty")


def test_it_is_of_this_configuration():
    assert load_config([str(ROOT / "config.yaml")]) == CONFIG
