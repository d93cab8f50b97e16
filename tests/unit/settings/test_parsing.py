"""Parsing of JSON and YAML within bounds."""

from pathlib import Path

import pytest

from trajprompt.errors import TrajpromptError
from trajprompt.settings import parsing
from trajprompt.settings.parsing import invalid_value, json_object, read_yaml

BOMB = "\n".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9) if n else 'x'}]" for n in range(30)
)
MERGES = "m0: &m0 {x: 1}\n" + "\n".join(
    f"m{n}: &m{n} {{<<: [{', '.join([f'*m{n - 1}'] * 9)}]}}" for n in range(1, 30)
)


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "a.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_anchors_aliases_and_merges_are_read(tmp_path: Path) -> None:
    text = "base: &base {a: 1, b: [x]}\nagain: *base\nmore: {<<: *base, a: 2}\n"
    base = {"a": 1, "b": ["x"]}
    expected = {"base": base, "again": base, "more": {**base, "a": 2}}
    assert read_yaml(written(tmp_path, text)) == expected
    assert read_yaml(written(tmp_path, "# nothing\n")) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB, r"line \d+: found \d+ values; expected at most"),
        (MERGES, r"line \d+: found \d+ values; expected at most"),
        ("a: &a [*a]", "line 1: found an alias that contains itself"),
        ("a: &a\n  b: {c: *a}", "an alias that contains itself"),
        ("a: 1\nb:\n  c: 1\n  c: 2\n", "line 4: found a duplicate key 'c'"),
        ("[" * 5000, "not YAML"),
        ("a: " * 5000, "not YAML"),
        ("- " * 5000, "not YAML"),
        (b"\xff\xfe\x00", "not YAML"),
        ("a: !!python/object/apply:os.getpid []", "not YAML"),
        ("a: !!timestamp x", "not YAML"),
        ("a: !!int ''", "not YAML"),
        ("a: !!bool maybe", "not YAML"),
        ("a: 2020-01-01", "a.yaml: a: found a value of type date"),
        ("a: [.inf]", "a.yaml: a.0: found inf; expected a finite number"),
        ("a: .nan", "a.yaml: a: found nan"),
        ("a: 0x" + "f" * 9999, "a.yaml: a: found an integer over 2"),
        ("a: !!binary aGk=", "a.yaml: a: found a value of type bytes"),
        ("a: !!set {x}", "a.yaml: a: found a value of type set"),
        ("1: 2", "a.yaml: 1: found a key of type int; expected text"),
        ("a: 1\n---\nb: 1\n", "not YAML"),
        ("x: " + "y" * parsing.MAX_FILE_BYTES, "bytes; expected at most"),
    ],
)
def test_invalid_yaml_is_refused(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(TrajpromptError, match=message) as caught:
        read_yaml(written(tmp_path, text), "write it again")
    assert str(caught.value).startswith(str(tmp_path))
    assert "write it again" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "not JSON"),
        ('{"a":' * 100_000, "not JSON"),
        ('{"a": ' + "9" * 5000 + "}", "not JSON"),
        ('{"a": NaN}', "here: a: found nan"),
        ('{"a": [1e999]}', "here: a.0: found inf"),
        ("[1]", "here: found a list; expected a JSON object"),
        ("", "not JSON"),
        (None, "not JSON"),
        (b"\xff", "not JSON"),
    ],
)
def test_invalid_json_is_refused(text: object, message: str) -> None:
    with pytest.raises(TrajpromptError, match=message):
        json_object(text, "here")


def test_values_that_json_cannot_represent_are_found() -> None:
    assert invalid_value({"a": [1, 2.5, None, True, "x", {"b": []}]}) is None
    assert invalid_value({"a": [("b", 1)]}) is not None  # of !!omap; a list in JSON
    assert invalid_value({"a": {1, 2}}) is not None


@pytest.mark.parametrize("levels", [100, 102, 2000])
def test_depth_is_bounded_also_if_the_parser_accepts_more(levels: int) -> None:
    text = '{"a": ' + "[" * (levels - 2) + "1" + "]" * (levels - 2) + "}"
    if levels == 100:
        assert json_object(text, "here")["a"]
        return
    with pytest.raises(
        TrajpromptError, match="here: (a: found more than 100 levels|not JSON)"
    ):
        json_object(text, "here")
