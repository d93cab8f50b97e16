"""Grids: every data quality combined with every prompt quality."""

import pytest

from support.configuration import fault_key, fault_of, with_keys
from trajprompt.config.grids import QUALITIES, condition_name, with_grids

GRID = {"label": "Mine", "method": "none", "both_expert": "plain"}
PARTS = {"methods": {"none": {}}, "entries": {"plain": {}}}  # names in the grid


def test_a_grid_is_replaced_by_its_entries_and_conditions():
    made = with_grids({"grids": {"g": GRID}, "seeds": [1], **PARTS})
    assert set(made) == {"seeds", "conditions", *PARTS} and made["seeds"] == [1]
    assert len(made["conditions"]) == 8  # without both expert
    assert len(made["entries"]) == 1 + 8
    assert made["entries"]["g-random-medium"] == {
        "label": "Mine (random data, medium prompt)",
        "condition": "random-data-medium-prompt",
        "method": "none",
    }
    assert made["conditions"]["random-data-medium-prompt"] == {
        "like": "expert",
        "data_quality": "random",
        "prompt_quality": "medium",
    }


def test_conditions_have_different_names():
    pairs = [(data, prompt) for data in QUALITIES for prompt in QUALITIES]
    names = [condition_name(*pair) for pair in pairs]
    assert len({*names}) == 9 and names[0] == "expert"
    assert condition_name("expert", "random") == "random-prompt"
    assert condition_name("random", "expert") == "random-data"
    assert condition_name("medium", "medium") == "medium-both"


def test_tables_and_figures_list_a_grid_by_its_name():
    listed = {"entries": ["first", "grid g", "last"]}
    made = with_grids({"grids": {"g": GRID}, "tables": {"t": listed}, **PARTS})
    ids = made["tables"]["t"]["entries"]
    assert ids[:2] == ["first", "plain"] and ids[-1] == "last" and len(ids) == 11
    assert {"plain", *ids[2:-1]} == set(made["entries"])
    assert listed == {"entries": ["first", "grid g", "last"]}  # unchanged


def test_a_grid_combines_all_qualities():
    made = with_keys({"preset": "paper"})
    untuned, *ids = made["tables"]["ptdt_table3"]["entries"]
    assert untuned == "prompt-dt" and len(ids) == 18
    assert ids[:3] == ["prompt-dt-ft", "ft-expert-medium", "ft-expert-random"]
    seen = set()
    for name in ids[9:]:
        entry = made["entries"][name]
        condition = made["conditions"][entry["condition"]]
        seen.add((condition["data_quality"], condition["prompt_quality"]))
        assert entry["method"] == "ptdt-offline" and condition["samples"] == 256
    assert len(seen) == 9
    assert made["entries"]["ptdt-random-medium"]["label"] == (
        "PTDT-offline (random data, medium prompt)"
    )


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        ({"grids": 3}, ("grids", "found 3", "a mapping of grids by name")),
        (
            {"grids.mine": {}},
            (
                "grids.mine",
                "found {}",
                "a mapping with the keys both_expert, label, method",
            ),
        ),
        ({"grids.ft.label": 3}, ("grids.ft.label", "found 3", "text")),
        (
            {"grids.ft.method": "no"},
            ("grids.ft.method", "found no", "a name under methods"),
        ),
        (
            {"grids.ft.both_expert": "no"},
            ("grids.ft.both_expert", "found no", "a name under entries"),
        ),
        (
            {"conditions.medium-both": 3},
            ("conditions.medium-both", "found 3", "a mapping"),
        ),
        (
            {"entries.ft-random-random": 5},
            ("entries.ft-random-random", "found 5", "a mapping"),
        ),
    ],
)
def test_wrong_grids_are_named(keys, fault):
    assert fault_of(keys) == fault


def test_an_unknown_grid_is_named():
    key, found, _ = fault_of({"tables.ptdt_table3.entries": ["grid magic"]})
    assert (key, found) == ("tables.ptdt_table3.entries.0", "found grid magic")


def test_entries_of_a_grid_can_be_changed():
    made = with_keys({"entries.ft-random-random.suites": ["cheetah-vel"]})
    assert made["entries"]["ft-random-random"]["suites"] == ["cheetah-vel"]
    assert made["entries"]["ft-random-random"]["method"] == "full-finetune"


@pytest.mark.parametrize(
    ("keys", "key"),
    [
        ({"grids.mine": GRID | {"both_expert": "prompt-dt", "label": "x" * 80}}, "label"),
        ({"grids.Mine": GRID | {"both_expert": "prompt-dt"}}, None),
    ],
)
def test_wrong_entries_of_a_grid_are_reported_for_the_grid(keys, key):
    (grid,) = keys
    assert fault_key(keys) == (f"{grid}.{key}" if key else grid)


def test_items_of_a_table_are_counted_as_in_the_file():
    entries = ["grid ft", "prompt-dt", "nope"]
    assert fault_key({"tables.ptdt_table3.entries": entries}) == (
        "tables.ptdt_table3.entries.2"
    )
