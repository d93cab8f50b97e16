"""Damaged inputs of the report: every error names the file, the damage and the remedy."""

import shutil
from pathlib import Path

import pytest

from support import report_run
from trajprompt.errors import TrajpromptError
from trajprompt.report.numbers.claims import read_ledger
from trajprompt.report.numbers.learning import pretraining_table
from trajprompt.report.read.cells import read_evaluation
from trajprompt.report.read.published import Published
from trajprompt.report.read.tables import read_table, read_yaml
from trajprompt.rollout.columns import EVALUATION_COLUMNS

HEADER = ",".join(EVALUATION_COLUMNS)
ROW = "reach,expert,none,0,6,0,0,last,0,0,1.5,200,1"


def test_valid_tables_are_read(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(f"{HEADER}\n{ROW}\n")
    table = read_evaluation(path)
    assert list(table.columns) == list(EVALUATION_COLUMNS)
    assert (table["return"].item(), table["suite"].item()) == (1.5, "reach")


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "missing or empty"),
        (b"\x89HDF\r\n\x1a\n\xff\xfe\x00", "not a table"),
        (b"\n\n", "not a table"),
        (b"a,b\n1,2\n1,2,3,4\n", "not a table"),
        (b"a,b\n1,2\n", "also .*'suite'"),
        (f"{HEADER}\n".encode(), "a header without rows"),
        (f"{HEADER}\n{ROW.replace('1.5', 'x')}\n".encode(), "column return .* finite"),
        (f"{HEADER}\n{ROW.replace('1.5', 'inf')}\n".encode(), "column return .* finite"),
        (f"{HEADER}\n{ROW[:20]}\n".encode(), "finite"),
    ],
)
def test_damaged_tables(tmp_path, content, message):
    path = tmp_path / "damaged.csv"
    path.write_bytes(content)
    with pytest.raises(TrajpromptError, match=message) as caught:
        read_evaluation(path)
    assert str(path) in str(caught.value)
    assert "run `trajprompt evaluate`" in str(caught.value)


@pytest.mark.parametrize("reader", [lambda path: Published([path]), read_ledger])
@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00\x80", b"{ [", b"1"])
def test_damaged_published_files(tmp_path, reader, content):
    path = tmp_path / "damaged"
    path.write_bytes(content)
    with pytest.raises(TrajpromptError, match="damaged"):
        reader(path)


def test_damaged_pretraining_curves(tmp_path):
    path = tmp_path / "reach" / "prompt-dt" / "seed0.csv"
    path.parent.mkdir(parents=True)
    for content in ("", "step,loss", "step,other\n1,2\n", "step,loss\nx,1\n"):
        path.write_text(content)
        with pytest.raises(TrajpromptError, match=str(path)):
            pretraining_table([path])


@pytest.mark.parametrize("content", ["a: [1", "a: b: c", "\t- x", "a: 2001-99-99"])
def test_damaged_yaml(tmp_path, content):
    path = tmp_path / "a.yaml"
    path.write_text(content)
    with pytest.raises(TrajpromptError, match=r"a\.yaml: not YAML .*run `make it`"):
        read_yaml(path, "make it")


@pytest.mark.parametrize(
    "cut", ["    second: mt-orl\n", "spread: 3.4, ", "    direction: greater\n"]
)
def test_claims_with_a_missing_line(tmp_path, cut):
    folder = Path(shutil.copytree(report_run.PAPERS / "ptdt", tmp_path / "ptdt"))
    text = (folder / "claims.yaml").read_text()
    assert cut in text
    (folder / "claims.yaml").write_text(text.replace(cut, "", 1))
    with pytest.raises(TrajpromptError, match="claims.yaml"):
        read_ledger(tmp_path)


def test_options_reach_pandas(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("s,t\n1,-\n")
    assert read_table(path, "x", ["s"], ["s"], na_values=["-"])["t"].isna().all()
