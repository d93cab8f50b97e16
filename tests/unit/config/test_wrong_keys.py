"""Errors of single values, and the file that is named for them."""

import math

import pytest
from pydantic import BaseModel, Field, ValidationError

from support.configuration import FILE, fault_key, fault_of, with_keys
from trajprompt.config.load import REMEDY, load_config
from trajprompt.config.wrong_keys import (
    COMMAND_LINE,
    WrongKey,
    dotted,
    first_fault,
    has,
    origin,
    short,
)
from trajprompt.errors import TrajpromptError
from trajprompt.tasks.registry import SUITE_NAMES

SUITES = ", ".join(SUITE_NAMES)
HYPHENS = "a name of up to 40 lower-case letters, digits and hyphens"
UNDERSCORES = "a name of up to 40 lower-case letters, digits and underscores"
EACH_ONCE = "a list of at least one name under entries, each once"
SAMPLES = 'a number of context segments from 1 to 100000, or "all"'
COMPUTE = "one of device, engine, precision, stacked_seeds, threads"


@pytest.mark.parametrize(
    ("path", "value", "found", "expected"),
    [
        ("evaluate", 3, "found 3", "a mapping"),
        ("tables", [1], "found [1]", "a mapping"),
        ("suites", "reach", 'found "reach"', "a list"),
        ("tables.ptdt_table1.title", 3, "found 3", "text"),
        ("evaluate.episodes", 2.0, "found 2.0", "an integer"),
        ("evaluate.episodes", True, "found true", "an integer"),
        (
            "pretrain.learning_rate",
            "1e-4",
            'found "1e-4"',
            "a number (write 1.0e-4, not 1e-4)",
        ),
        ("tasks.reach.target_return", math.inf, "found inf", "a finite number"),
        ("evaluate.episodes", 0, "found 0", "at least 1"),
        ("evaluate.episodes", 10**6, "found 1000000", "at most 10000"),
        ("pretrain.learning_rate", 0, "found 0", "more than 0"),
        ("compute.precision", "fp8", 'found "fp8"', "one of auto, bf16, fp32"),
        ("run", "laptop\n", r'found "laptop\n"', HYPHENS),
        ("tables.ptdt_table1.title", "a | b", 'found "a | b"', "without |"),
        ("seeds", [], "found []", "a list of 1 to 1000 seeds, each once"),
        ("tables.ptdt_table1.entries", ["a", "a"], 'found ["a", "a"]', EACH_ONCE),
        ("conditions.expert.samples", "few", 'found "few"', SAMPLES),
        ("tasks.moon", {}, "found an unknown key", f"one of {SUITES}"),
        ("conditions.Expert", {}, "found an unknown key", HYPHENS),
        ("tables.table-1", {}, "found an unknown key", UNDERSCORES),
        ("compute.colour", 1, "found an unknown key", COMPUTE),
    ],
)
def test_the_error_has_the_value_found_and_expected(path, value, found, expected):
    fault = fault_of({path: value})
    if expected == "without |":
        assert fault[:2] == (path, found) and fault[2].endswith(expected)
    else:
        assert fault == (path, found, expected)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("colour", 1),
        ("run", "../elsewhere"),
        ("report", "some"),
        ("pretrain.heads", 2),
        ("pretrain.layers", 1),
        ("entries.prompt-dt.suites", []),
        ("tables.ptdt_table1.entries", []),
        ("tables.Table", {}),
        ("methods.ptdt-online.suite_options.moon", {}),
    ],
)
def test_the_key_is_named(path, value):
    assert fault_key({path: value}) == path


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        ("seeds", [0, "a"], "seeds.1"),
        ("suites", ["humanoid"], "suites.0"),
        ("tables.ptdt_table1.suites", ["reach", "moon"], "tables.ptdt_table1.suites.1"),
        ("tasks.reach.train", [0, -1], "tasks.reach.train.1"),
        ("backbones.other", {}, "backbones.other.kind"),  # missing
    ],
)
def test_the_key_inside_a_value_is_named(path, value, place):
    assert fault_key({path: value}) == place


def test_the_message_has_file_key_found_and_expected(tmp_path):
    overlay = tmp_path / "mine.yaml"
    overlay.write_text("evaluate: {episodes: 0}\n")
    with pytest.raises(TrajpromptError) as caught:
        load_config([FILE, overlay])
    message = f"{overlay}: evaluate.episodes: found 0; expected at least 1; {REMEDY}"
    assert str(caught.value) == message


def test_the_command_line_is_named_if_no_file_sets_the_value():
    with pytest.raises(TrajpromptError) as caught:
        with_keys({"evaluate.episodes": 0})
    assert caught.value.where == "command line: evaluate.episodes"


def test_the_first_of_several_errors_is_reported():
    class Model(BaseModel):
        one: int = Field(ge=3)
        two: list[int]

    values = {"one": 1, "two": ["x"]}
    with pytest.raises(ValidationError) as caught:
        Model.model_validate(values)
    assert first_fault(caught.value, values) == (["one"], "found 1", "at least 3")
    with pytest.raises(ValidationError) as caught:
        Model.model_validate({"one": 3})
    assert first_fault(caught.value, {"one": 3}) == (["two"], "found nothing", "a value")


MERGED = {"a": {"b": 1, "c": [5, 6]}, "d": 2}
LOW = ("low.yaml", {"a": {"b": 1, "c": [5, 6]}, "d": 1})
HIGH = ("high.yaml", {"a": {"b": 1}, "d": 2})


@pytest.mark.parametrize(
    ("path", "file"),
    [
        (("a", "b"), "high.yaml"),  # both files set it
        (("a", "c", 1), "low.yaml"),
        (("d",), "high.yaml"),
        (("a", "missing"), "high.yaml"),  # the last file that sets the parent key
        (("nowhere",), "high.yaml"),
    ],
)
def test_the_origin_is_the_last_file_that_sets_the_value(path, file):
    assert origin(path, MERGED, [LOW, HIGH]) == file


def test_a_value_that_no_file_sets_is_from_the_command_line():
    merged = {"a": {"b": 3}, "d": 2}
    assert origin(("a", "b"), merged, [LOW, HIGH]) == COMMAND_LINE
    assert origin(("e",), {**merged, "e": 1}, [LOW, HIGH]) == COMMAND_LINE
    assert origin(("a",), merged, []) == COMMAND_LINE


def test_paths_go_through_mappings_and_lists():
    assert has(("a", "c", 1), MERGED) and has(("a", "c", "1"), MERGED)
    for path in (("a", "x"), ("a", "c", 2), ("a", "c", "x"), ("d", "x")):
        assert not has(path, MERGED)


def test_keys_and_values_are_short_text():
    assert dotted(("a", "c", 1)) == "a.c.1" and dotted(()) == "top level"
    assert short({"a": None}) == '{"a": null}'
    assert len(short("x" * 500)) == 80 and short("x" * 500).endswith("...")
    error = WrongKey(("a", "c", 1), "found 6", "5")
    assert str(error) == "a.c.1: found 6; expected 5" and error.path == ("a", "c", 1)
