"""The JSON Schema of a run and of one file, for editors."""

import pytest

from trajprompt.config.grids import KEYS
from trajprompt.config.inherit import JOINS
from trajprompt.config.json_schema import file_schema, run_schema
from trajprompt.config.models import RunConfig
from trajprompt.tasks.registry import SUITE_NAMES

jsonschema = pytest.importorskip("jsonschema")


def accepts(values):
    return jsonschema.Draft202012Validator(file_schema()).is_valid(values)


def test_it_is_a_json_schema():
    for schema in (run_schema(), file_schema()):
        jsonschema.Draft202012Validator.check_schema(schema)


def test_a_run_needs_its_keys_and_a_file_needs_none():
    required = set(run_schema()["required"])
    assert {"suites", "compute", "entries"} <= required <= set(RunConfig.model_fields)
    assert accepts({}) and accepts({"tables": {"mine": {"title": "x"}}})
    file_schema()
    assert set(run_schema()["required"]) == required  # unchanged by file_schema


def test_a_file_has_the_keys_of_a_run_and_grids_and_like():
    known = set(file_schema()["properties"])
    assert known == {*RunConfig.model_fields, "grids", "like"}
    assert not accepts({"colour": 1})
    assert accepts({"grids": {"g": dict.fromkeys(KEYS, "x")}})
    assert not accepts({"grids": {"g": {"label": 3}}})


@pytest.mark.parametrize("part", JOINS)
def test_sections_that_inherit_accept_like(part):
    assert accepts({part: {"mine": {"like": "other"}}})
    assert not accepts({part: {"mine": {"like": 3}}})


@pytest.mark.parametrize("part", ["entries", "tables", "figures", "videos"])
def test_other_sections_refuse_like(part):
    assert not accepts({part: {"mine": {"like": "other"}}})


@pytest.mark.parametrize(
    "values",
    [
        {"evaluate": {"episodes": 0}},
        {"evaluate": {"episodes": "many"}},
        {"seeds": [1, 1]},
        {"seeds": []},
        {"suites": ["moon"]},
        {"tasks": {"moon": {}}},
        {"compute": {"device": "gpu"}},
        {"pretrain": {"learning_rate": 0}},
    ],
)
def test_wrong_values_are_refused(values):
    assert not accepts(values)


def test_the_schema_lists_the_names_of_suites():
    suites = file_schema()["properties"]["suites"]
    assert suites["items"]["enum"] == list(SUITE_NAMES)


def test_a_name_must_match_its_pattern():
    condition = {"prompt_quality": "expert"}
    assert accepts({"conditions": {"my-condition": condition}})
    assert not accepts({"conditions": {"My Condition": condition}})
