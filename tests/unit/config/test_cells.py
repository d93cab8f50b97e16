"""Which cells, backbones and tables a configuration asks for."""

import copy

import pytest

from support.configuration import FILE
from support.paths import ROOT
from trajprompt.config import cells as table_cells
from trajprompt.config import derive
from trajprompt.config.load import load_config

DEFAULT = load_config([FILE])
SMOKE = load_config([FILE, ROOT / "presets/smoke.yaml"])
PAPER = load_config([FILE, ROOT / "presets/paper.yaml"])


def small(**changes):
    """One condition, two entries, two tables; what ``table_cells`` reads of a config."""
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
    """The papers' tables share entries; what is added to a table adds no cell twice."""
    more = copy.deepcopy(DEFAULT)
    more["tables"]["pd_table9"]["entries"].append("ptdt-offline-literal")  # not that suite
    assert table_cells.cells(more) == table_cells.cells(DEFAULT)


def test_the_papers_ablations_are_whole_in_the_papers_preset():
    names = ("ptdt_table3", "pd_table2")
    assert len(table_cells.cells(PAPER, names)) == 27  # three methods, 3 x 3 qualities
    assert len(table_cells.cells(PAPER, ("ptdt_table4",))) == 6 * 4
    assert len(table_cells.cells(PAPER, ("pd_figure3",))) == 4 * 4
    assert len(table_cells.cells(PAPER, ("pd_table8",))) == 5
    assert len(table_cells.cells(PAPER, ("ptdt_figure2",))) == 11 * 4


@pytest.mark.parametrize("made", [DEFAULT, SMOKE, PAPER], ids=["laptop", "smoke", "paper"])
def test_every_table_is_made_in_every_run(made):
    assert set(table_cells.tables(made)) == set(DEFAULT["tables"])
    assert {suite for suite, _, _ in table_cells.cells(made)} == set(made["suites"])


def test_the_smoke_run_has_every_method():
    """So the kinds of all entries: what no run has breaks unseen."""
    methods = {method for _, _, method in table_cells.cells(SMOKE)}
    # As full-finetune, for more iterations.
    assert {*methods, "full-finetune-longer"} == set(SMOKE["methods"])
    entries = SMOKE["methods"]
    kinds = {entries[entry["method"]]["kind"] for entry in SMOKE["entries"].values()}
    assert kinds == {entries[name]["kind"] for name in methods}


def test_the_smoke_run_has_every_prompt_length_and_what_the_papers_tune_by_it():
    def lengths(cells):
        return {SMOKE["conditions"][name].get("prompt_length") for _, name, _ in cells}

    def kinds(made):
        """Those that meet another length than the backbone was pretrained with."""
        entries = made["methods"]
        return {
            entries[method]["kind"]
            for _, condition, method in table_cells.cells(made)
            if made["conditions"][condition]["prompt_length"]
        }

    every = {entry.get("prompt_length") for entry in SMOKE["conditions"].values()}
    assert lengths(table_cells.cells(SMOKE)) == every == {None, 2, 10, 40}
    assert kinds(SMOKE) == kinds(PAPER) == {"none", "ptdt-offline", "prompt-diffuser"}


def test_the_smoke_run_has_both_readings_of_the_projection():
    cells = table_cells.cells(SMOKE)
    options = [derive.tune(SMOKE, *cell, 0).options for cell in cells]
    assert {own.get("per_layer", False) for own in options} == {False, True}


def test_curves_are_played_only_where_a_figure_shows_them():
    figures = {
        "queries": {"kind": "queries", "entries": ["a"], "suites": ["reach"]},
        "bars": {"kind": "relative", "entries": ["a", "b"], "suites": None},
    }
    assert table_cells.curves(small(figures=figures)) == {("reach", "expert", "none")}
    shown = derive.evaluate(DEFAULT, "reach", "expert", "ptdt-offline", 0)
    hidden = derive.evaluate(DEFAULT, "reach", "expert", "adaptor", 0)
    assert shown.curve_episodes == DEFAULT["evaluate"]["curve_episodes"] > 0
    assert hidden.curve_episodes == 0
