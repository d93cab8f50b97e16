"""Entries, tables, figures and videos that do not fit the rest."""

import pytest

from support.configuration import FILE, fault_key, fault_of, with_keys
from support.paths import ROOT
from trajprompt.config import cells as table_cells
from trajprompt.config.load import load_config
from trajprompt.config.table_checks import paper_inconsistencies, table_inconsistencies

DEFAULT = load_config([FILE, ROOT / "presets/evening.yaml"])
READS_PROMPT = "a condition whose backbone reads a prompt"
NO_LEARNING = "none, or a generator with iterations: 0, for prompts of training tasks"
FIGURE = {"title": "x", "kind": "relative", "entries": ["pdt"], "baseline": "pdt"}
VIDEO = {"title": "x", "entries": ["prompt-dt"]}


def test_the_configuration_of_the_repository_is_consistent():
    assert not [*table_inconsistencies(DEFAULT)]


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        (
            {"tables.bandits_table_id.entries": ["pdt", "pdt-4x5"]},
            (
                "tables.bandits_table_id.entries.1",
                "found pdt-4x5, which is limited to point-sparse",
                "an entry in one of the table's suites, cheetah-vel, ant-dir, pick-place",
            ),
        ),
        (
            {"tables.ptdt_table1.paper": "mine"},
            (
                "tables.ptdt_table1.paper",
                "found mine",
                "a folder of papers/: bandits, cmt, own, prompt_diffuser, ptdt",
            ),
        ),
        (
            {"tables.own": {"title": "x", "entries": ["pdt"]}},
            ("tables.own", "found the name of a paper", "an unused name"),
        ),
        (
            {"figures.ptdt_table1": FIGURE},
            ("figures.ptdt_table1", "found the name of a table", "an unused name"),
        ),
        (
            {"figures.mine": {**FIGURE, "baseline": "mt-orl"}},
            ("figures.mine.baseline", "found mt-orl", "one of its entries, pdt"),
        ),
        (
            {"entries.ptdt-offline.condition": "mt-orl"},
            (
                "entries.ptdt-offline.method",
                "found ptdt-offline, which tunes prompts, on mt-orl",
                READS_PROMPT,
            ),
        ),
        (
            {"entries.pd-zero-shot.method": "retrieval"},
            (
                "entries.pd-zero-shot.method",
                "found retrieval, which learns from the test task",
                NO_LEARNING,
            ),
        ),
        (
            {"videos.ptdt_table1": VIDEO},
            (
                "videos.ptdt_table1",
                "found the name of a table or figure",
                "an unused name",
            ),
        ),
        (
            {"videos.mine": {**VIDEO, "suites": ["reach", "point-sparse"]}},
            (
                "videos.mine.suites.1",
                "found point-sparse",
                "a suite with a MuJoCo model",
            ),
        ),
        (
            {"videos.mine": {**VIDEO, "tasks": {"reach": 1}}},
            (
                "videos.mine.tasks.reach",
                "found 1",
                "a test task of the run, one of 6, 9, 15, 16, 20",
            ),
        ),
    ],
)
def test_the_error_names_the_key_the_value_and_the_bound(keys, fault):
    assert fault_of(keys) == fault


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("entries.prompt-dt.method", "magic"),
        ("entries.prompt-dt.condition", "magic"),
        ("entries.pd-zero-shot.method", "prompt-diffuser"),
        ("aggregate", "magic"),
    ],
)
def test_the_key_is_named(path, value):
    assert fault_key({path: value}) == path


def test_iterations_for_one_suite_make_a_zero_shot_method_learn():
    iterations = {"ant-dir-ood": {"iterations": 5}}
    keys = {"methods.prompt-diffuser-zero-shot.suite_options": iterations}
    assert fault_key(keys) == "entries.pd-zero-shot.method"


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("tables.ptdt_table1.entries", "0"),
        ("figures.pd_figure3.entries", "0"),
        ("videos.rollouts.entries", "0"),
        ("report", "0"),
    ],
)
def test_unknown_names_are_reported_with_their_index(path, place):
    key, found, expected = fault_of({path: ["magic"]})
    assert (key, found) == (f"{path}.{place}", "found magic")
    known = "ptdt_table1" if path == "report" else "prompt-dt"
    assert expected.startswith("one of ") and f" {known}, " in expected


@pytest.mark.parametrize(
    ("keys", "place"),
    [
        ({"entries.mt-orl.suites": ["pick-place"]}, "tables.ptdt_table1.entries.2"),
        (
            {"figures.bandits_regret.suites": ["reach", "cheetah-dir"]},
            "figures.bandits_regret.entries.0",
        ),
    ],
)
def test_an_entry_that_excludes_all_suites_of_its_table_is_refused(keys, place):
    assert fault_key(keys) == place


def test_a_run_of_one_suite_may_have_entries_of_others():
    """Tables are then made in part or not at all, without an error."""
    made = with_keys({"suites": ["reach"]})
    cells = table_cells.cells(made)
    assert cells and {suite for suite, *_ in cells} == {"reach"}
    assert "pd_table9" in table_cells.tables(DEFAULT)
    assert "pd_table9" not in table_cells.tables(made)  # only ant-dir-ood


def test_a_run_without_tables_and_figures_is_refused():
    key, found, expected = fault_of({"suites": ["reach"], "report": ["pd_table9"]})
    reason = "for which no table or figure has an entry in the run's suites"
    assert (key, expected) == ("report", "an entry in one of the suites reach")
    assert found == f"found ['pd_table9'], {reason}"


def test_papers_without_a_folder_are_refused():
    folders = {"cmt", "ptdt", "bandits", "own"}
    found = {key for key, *_ in paper_inconsistencies(DEFAULT, folders)}
    shown = [("tables", name) for name in DEFAULT["tables"]]
    shown += [("figures", name) for name in DEFAULT["figures"]]
    assert found == {
        f"{part}.{name}.paper"
        for part, name in shown
        if DEFAULT[part][name]["paper"] == "prompt_diffuser"
    }
