"""Returns against the number of samples."""

import pytest

from support.plots_tables import numbers


def test_samples_go_from_none_to_all(tmp_path):
    rows = numbers(tmp_path, "samples").set_index(["method", "samples"])
    assert set(rows.index) == {
        ("none", 0),
        ("ptdt-offline", 32),
        ("ptdt-offline", "all"),
        ("full-finetune", 32),
        ("full-finetune", "all"),
    }
    gain = rows.loc[("full-finetune", "all"), "mean"] - rows.loc[("none", 0), "mean"]
    assert gain == pytest.approx(8, abs=1.5)
