"""Evaluations of cells, and damaged files of them."""

import numpy as np
import pandas as pd
import pytest

from support.report_table import made
from trajprompt.errors import TrajpromptError
from trajprompt.report.read.cells import Evaluations, parse_entries, task_by_seed

__all__ = ["made"]  # fixture


def test_damaged_evaluations_are_refused(made, tmp_path):
    frame = pd.read_csv(made.evaluations[0])
    path = tmp_path / "bad.csv"
    for damaged, message in (
        (frame.drop(columns="queries"), "queries"),
        (frame.assign(**{"return": np.nan}), "finite"),
    ):
        damaged.to_csv(path, index=False)
        with pytest.raises(TrajpromptError, match=message):
            Evaluations([path], "r")
    with pytest.raises(TrajpromptError, match="repeated cell"):
        Evaluations([made.evaluations[0], made.evaluations[0]], "r")
    with pytest.raises(TrajpromptError, match="missing or empty"):
        Evaluations([tmp_path / "none.csv"], "r")


def test_a_task_missing_under_one_seed_is_an_error():
    rows = pd.DataFrame({"task": [1, 1, 2], "seed": [0, 1, 0], "return": [1.0, 2.0, 3.0]})
    with pytest.raises(TrajpromptError, match=r"\(2, 1\)"):
        task_by_seed(rows, (0, 1), "here")


def test_entries_are_checked():
    good = {"id": "a", "label": "A", "condition": "s", "method": "m"}
    assert parse_entries([good])[0].covers("reach")
    assert not parse_entries([good | {"suites": ["ant-dir"]}])[0].covers("reach")
    for entries in ([good, good], [good | {"colour": 1}], [{"id": "a"}], []):
        with pytest.raises(TrajpromptError, match="tables.entries"):
            parse_entries(entries)
