"""Differences from a baseline."""

import numpy as np
import pytest

from support.plots_run import make_figure
from support.plots_tables import kind_table, table_of
from trajprompt.errors import TrajpromptError


def test_differences_are_paired(tmp_path):
    rows = kind_table(tmp_path, "relative").set_index("column")
    assert list(rows.index) == ["prompt-diffuser", "pd-sum"]
    for name, difference in (("prompt-diffuser", 4), ("pd-sum", -3)):
        # Seeds and episodes differ by more than these intervals; their differences do not.
        bounds = rows.loc[name, ["low", "mean", "high"]].to_numpy(float)
        np.testing.assert_allclose(bounds, difference, atol=1e-4)


def test_an_unknown_baseline_is_named(tmp_path):
    made = make_figure(tmp_path, "relative", ("pd-sum", "prompt-diffuser"), "other")
    with pytest.raises(TrajpromptError, match="baseline: found 'other'.*pd-sum"):
        table_of(made)
