"""Heat maps of prompts."""

import h5py
import pytest

from support.plots_run import make_figure
from support.plots_tables import kind_table, table_of
from trajprompt.commands.figure import main


def test_heat_maps_have_every_element_of_every_prompt(tmp_path):
    rows = kind_table(tmp_path, "heat-maps")
    first = rows[(rows["column"] == "ptdt-offline") & (rows["seed"] == 0)]
    assert len(first) == 5 * 5 * (1 + 20 + 6)
    parts = first[first["row"] == 0].groupby("part")["dimension"].max() + 1
    assert parts.to_dict() == {"return-to-go": 1, "state": 20, "action": 6}
    assert (first["after"] - first["before"]).std() == pytest.approx(0.3, rel=0.1)


def test_heat_maps_show_where_segments_begin(tmp_path, monkeypatch):
    """Both moments and the change have a line between segments, if there are several."""
    made = make_figure(tmp_path, "heat-maps", ("ptdt-offline",), seeds=(0,))
    lines = []
    monkeypatch.setattr(
        "matplotlib.axes.Axes.axhline", lambda _, y, **style: lines.append(float(y))
    )
    main(made.command(tmp_path / "one"))
    assert lines == [4.5] * 3  # of three parts: between before and after
    lines.clear()
    with h5py.File(made.adaptations[0], "r+") as file:
        file.attrs["prompt_segments"] = 5
    rows = table_of(made)
    assert (rows["segment"] == rows["step"]).all()
    main(made.command(tmp_path / "five"))
    borders = [0.5, 1.5, 2.5, 3.5]
    expected = [4.5, *(y for border in borders for y in (border, 5 + border, border))]
    assert lines == expected * 3
