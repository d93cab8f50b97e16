"""Cells, backbones and tables of a configuration."""

import copy

import pytest

from support.configuration import FILE, with_keys
from support.paths import ROOT
from trajprompt.config import cells as table_cells
from trajprompt.config import derive, evaluation
from trajprompt.config.load import load_config

DEFAULT = load_config([FILE, ROOT / "presets/evening.yaml"])
SMOKE = load_config([FILE, ROOT / "presets/smoke.yaml"])
PAPER = load_config([FILE, ROOT / "presets/paper.yaml"])


def small(**changes):
    """Two conditions, entries and tables, with the keys that ``table_cells`` reads."""
    return {
        "suites": ["reach", "ant-dir"],
        "conditions": {"expert": {"backbone": "prompt-dt"}, "bare": {"backbone": "mt-orl"}},
        "entries": {
            "a": {"condition": "expert", "method": "none", "suites": None},
            "b": {"condition": "bare", "method": "none", "suites": ["reach"]},
        },
        "tables": {
            "one": {"entries": ["a", "b"], "suites": None},
            "two": {"entries": ["a"], "suites": ["ant-dir", "cheetah-vel"]},
        },
        "figures": {},
        "report": "all",
        "omit": [],
        **changes,
    }


def test_a_cell_in_two_tables_is_one_cell():
    assert table_cells.cells(small()) == [
        ("reach", "bare", "none"),
        ("reach", "expert", "none"),
        ("ant-dir", "expert", "none"),
    ]


def test_suites_of_run_table_and_entry_are_intersected():
    assert table_cells.entries(small(), ("one",)) == {
        "a": ("reach", "ant-dir"),
        "b": ("reach",),
    }
    assert table_cells.entries(small(), ("two",)) == {"a": ("ant-dir",)}
    assert table_cells.entries(small(suites=["ant-dir"]), ("one",)) == {"a": ("ant-dir",)}


def test_only_the_reported_tables_that_have_cells_are_made():
    assert table_cells.tables(small()) == ["one", "two"]
    assert table_cells.tables(small(report=["two"])) == ["two"]
    assert table_cells.tables(small(suites=["reach"])) == ["one"]
    assert table_cells.cells(small(report=["two"])) == [("ant-dir", "expert", "none")]


def test_only_backbones_of_cells_are_trained():
    assert table_cells.backbones(small()) == [
        ("reach", "mt-orl"),
        ("reach", "prompt-dt"),
        ("ant-dir", "prompt-dt"),
    ]
    assert table_cells.backbones(DEFAULT).count(("ant-dir-ood", "prompt-dt")) == 1
    assert ("ant-dir-ood", "mt-orl") not in table_cells.backbones(DEFAULT)


def test_one_entry_has_one_cell_whatever_table_shows_it():
    """Tables share entries; adding an entry to another table adds no cell."""
    more = copy.deepcopy(DEFAULT)
    more["tables"]["pd_table9"]["entries"].append("ptdt-offline-literal")  # cheetah-vel
    assert table_cells.cells(more) == table_cells.cells(DEFAULT)


def test_the_papers_ablations_are_complete_in_the_paper_preset():
    names = ("ptdt_table3", "pd_table2")
    # three methods, 3 x 3 qualities, and the untuned prompt
    assert len(table_cells.cells(PAPER, names)) == 3 * 9 + 1
    assert len(table_cells.cells(PAPER, ("ptdt_table4",))) == 6 * 4
    assert len(table_cells.cells(PAPER, ("pd_figure3",))) == 4 * 4
    assert len(table_cells.cells(PAPER, ("pd_table8",))) == 6
    assert len(table_cells.cells(PAPER, ("ptdt_figure2",))) == 11 * 4


@pytest.mark.parametrize("run", [DEFAULT, SMOKE, PAPER], ids=["laptop", "smoke", "paper"])
def test_every_table_is_made_in_every_run(run):
    assert set(table_cells.tables(run)) == set(DEFAULT["tables"])
    assert set(table_cells.suites(run)) == {s for s, _, _ in table_cells.cells(run)}


def test_every_suite_is_in_the_paper_run():
    assert set(table_cells.suites(PAPER)) == set(PAPER["suites"])


def test_a_suite_without_a_cell_is_collected_for_its_demonstrations():
    run = with_keys({"report": ["ptdt_table2"]})
    collected = table_cells.collected(run)
    assert set(collected) - set(table_cells.suites(run)) == {
        "halfcheetah-expert",
        "hopper-expert",
        "walker2d-expert",
    }
    assert table_cells.taught(run) == ["halfcheetah", "hopper", "walker2d"]


def test_the_smoke_run_has_every_method():
    """And the kinds of all entries, so that no method can break unnoticed."""
    methods = {method for _, _, method in table_cells.cells(SMOKE)}
    # Equal to full-finetune, with more iterations.
    assert {*methods, "full-finetune-longer"} == set(SMOKE["methods"])
    entries = SMOKE["methods"]
    kinds = {entries[entry["method"]]["kind"] for entry in SMOKE["entries"].values()}
    assert kinds == {entries[name]["kind"] for name in methods}


def test_the_smoke_run_has_every_prompt_length_and_method_kind_that_changes_it():
    def lengths(cells):
        return {SMOKE["conditions"][name].get("prompt_length") for _, name, _ in cells}

    def kinds(run):
        """Kinds of methods that get another length than the backbone's pretraining."""
        entries = run["methods"]
        return {
            entries[method]["kind"]
            for _, condition, method in table_cells.cells(run)
            if run["conditions"][condition]["prompt_length"]
        }

    known = {entry.get("prompt_length") for entry in SMOKE["conditions"].values()}
    assert lengths(table_cells.cells(SMOKE)) == known == {None, 2, 10, 40}
    assert kinds(SMOKE) == kinds(PAPER) == {"none", "ptdt-offline", "prompt-diffuser"}


def test_the_smoke_run_has_both_readings_of_the_projection():
    cells = table_cells.cells(SMOKE)
    options = [derive.tune(SMOKE, *cell, 0).options for cell in cells]
    assert {values.get("per_layer", False) for values in options} == {False, True}


def test_curves_are_played_where_a_figure_or_a_verdict_needs_them():
    figures = {
        "queries": {"kind": "queries", "entries": ["a"], "suites": ["reach"]},
        "bars": {"kind": "relative", "entries": ["a", "b"], "suites": None},
    }
    assert table_cells.curves(small(figures=figures)) == {("reach", "expert", "none")}
    shown = derive.evaluate(DEFAULT, "reach", "expert", "ptdt-offline", 0)
    hidden = derive.evaluate(DEFAULT, "reach", "expert", "adaptor", 0)
    assert shown.curve_episodes == evaluation.values(DEFAULT, "reach")["curve_episodes"] > 0
    assert hidden.curve_episodes == 0
    ended = derive.evaluate(DEFAULT, "cheetah-dir", "expert", "prompt-diffuser", 0)
    assert ended.curve_episodes > 0 and (ended.curve_start, shown.curve_start) == (2 / 3, 0)
