"""Tables as figures: differences from the untuned prompt, ours and the paper's."""

from dataclasses import replace

import numpy as np
import pytest

from support.report_table import made, run, table
from trajprompt.report.numbers.cell_table import cell_table
from trajprompt.report.plots.table_figure import draw_table, gains, reference
from trajprompt.report.read.cells import Entry

__all__ = ["made", "run", "table"]  # fixtures


def test_differences_are_paired_by_task_and_seed(run, table):
    rows = gains(table, run).set_index(["suite", "column"])
    for name in ("ptdt-offline", "mt-orl"):
        first, zero = (
            run.scores(run.entry(n))["reach"].values for n in (name, "prompt-dt")
        )
        row = rows.loc[("reach", name)]
        assert row["mean"] == pytest.approx((first - zero).mean())
        seeds = [float(value) for value in row["by_seed"].split()]
        assert seeds == pytest.approx((first - zero).mean(axis=0), rel=1e-4)
    assert rows.loc[("reach", "prompt-dt"), "mean"] == 0


def test_the_papers_values_are_relative_to_its_own_untuned_prompt(run, table):
    row = gains(table, run).set_index(["suite", "column"]).loc[("reach", "ptdt-offline")]
    assert row["paper"] == pytest.approx(472.5 - 469.8)  # PTDT Table 1
    spreads = [run.published.get("reach", n).spread for n in ("ptdt-offline", "prompt-dt")]
    assert row["paper_spread"] == pytest.approx(np.hypot(*spreads))


def test_gap_shares_are_those_of_the_table(run, table):
    rows = gains(table, run).set_index(["suite", "column"])
    cells = table.set_index(["suite", "column"])
    assert rows["gap_closed"].to_dict() == cells.loc[rows.index, "gap_closed"].to_dict()


def _with(run, *entries):
    known = {entry.id: entry for entry in run.entries}
    return replace(run, entries=tuple(known.get(e, e) for e in entries))


def test_the_reference_is_the_untuned_prompt_of_the_tuned_ones(run):
    """The run tunes in the condition few-shot, so any untuned entry that is printed."""
    tuned = Entry("a", "A", "expert", "ptdt-offline")
    names = ("prompt-dt-random", "mt-orl", "prompt-dt", tuned)
    assert reference(_with(run, *names), "reach").id == "prompt-dt"
    alone = _with(run, "ptdt-offline", "ptdt-online")
    assert reference(alone, "reach").id == "ptdt-offline"  # no untuned entry: the first
    two = [
        Entry(n, n, "expert", "none", (s,)) for n, s in (("b", "reach"), ("c", "ant-dir"))
    ]
    assert reference(_with(run, *two, tuned), "ant-dir").id == "c"


def test_entries_that_were_not_run_are_said(run, tmp_path, monkeypatch):
    texts = []

    def text(axis, x, y, value, **more):
        texts.append(value)

    monkeypatch.setattr("matplotlib.axes.Axes.text", text)
    draw_table(cell_table(run), run, tmp_path / "drawn")
    # ptdt-offline-literal is run on cheetah-vel alone, one of four suites.
    assert texts.count("not run on this suite") == 3
    assert sum(value.endswith(" %") for value in texts) == 4 * len(run.entries) - 3


def test_values_off_the_axis_are_written_at_its_edge(run, tmp_path, monkeypatch):
    arrows, headings = [], []
    name = "trajprompt.report.plots.table_figure"
    monkeypatch.setattr(f"{name}.off_axis", lambda *arguments: arrows.append(arguments[-1]))
    monkeypatch.setattr(f"{name}.headline", lambda _, *texts: headings.append(texts))
    draw_table(cell_table(run), run, tmp_path / "drawn")
    assert "-981" in arrows  # MT-ORL on cheetah-dir: -46.2 - 934.6
    assert "arrows: off the axis, with their value" in headings[0]
    few = _with(run, "prompt-dt", "ptdt-offline", "ptdt-online")
    arrows.clear()
    draw_table(cell_table(few), few, tmp_path / "drawn")
    assert not arrows and not any("arrows" in text for text in headings[1])
