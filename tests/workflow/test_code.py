"""The code that a rule depends on: all its imports that can affect results."""

from pathlib import Path

import pytest

from support.paths import ROOT

RULES = ROOT / "workflow/rules/code.smk"


@pytest.fixture(scope="module")
def rules():
    """The names that code.smk, which is plain Python, defines."""
    names: dict = {}
    exec(compile(RULES.read_text(), str(RULES), "exec"), names)
    return names


def test_every_listed_file_exists(rules):
    listed = (*rules["IGNORED"], *rules["NOT_IGNORED"])
    assert [name for name in listed if not (ROOT / name).exists()] == []


@pytest.mark.parametrize(
    "module, made, left_out",
    [
        ("commands/tune", "tuning/problem", "artifacts/atomic"),
        ("commands/pretrain", "settings/training", "settings/stages"),
        ("commands/evaluate", "artifacts/csv_files", "errors"),
        ("commands/collect", "collect/loop", "progress"),
    ],
)
def test_code_that_affects_results_is_included(rules, monkeypatch, module, made, left_out):
    monkeypatch.chdir(ROOT)
    found = rules["sources"]((module,))
    assert f"src/trajprompt/{made}.py" in found
    assert f"src/trajprompt/{left_out}.py" not in found
    assert all(Path(path).is_file() for path in found)
