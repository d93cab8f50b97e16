"""Consistency of the papers' printed tables, within each and between them."""

import pytest

from support import report_run
from support.report_table import PRINTED, SUITES
from trajprompt.report.read.papers import printed_files
from trajprompt.report.read.published import AVERAGE, Published


def test_published_averages_are_the_mean_of_their_cells_except_three_misprints():
    wrong = {}
    for path in report_run.TABLES:
        published = Published([path])
        for name in published.entries():
            printed = published.get(AVERAGE, name)
            mean = published.average(published.suites(name), name)
            assert mean is not None
            if printed is not None and round(abs(mean - printed.mean), 6) > 0.05:
                wrong[path.stem, name] = (round(mean, 2), printed.mean)
                assert printed.note
    assert wrong == {
        ("ptdt_table1", "mt-orl"): (45.45, 181.8),
        ("ptdt_table1", "ptdt-offline"): (450.6, 450.3),
        ("ptdt_table2", "dt"): (61.4, 61.6),
        ("pd_table1", "ptdt-offline"): (450.6, 450.3),
    }


def test_mt_orl_average_is_printed_as_the_sum():
    published = Published(PRINTED)
    cells = [published.get(suite, "mt-orl") for suite in SUITES]
    assert sum(cell.mean for cell in cells if cell) == pytest.approx(181.8)


@pytest.mark.parametrize("name", ["ptdt_table3", "pd_table2"])
def test_tables_of_qualities_have_every_combination(name):
    """Two methods, three qualities of the prompt and three of the data; and no tuning."""
    found = Published(printed_files(report_run.PAPERS, f"{name}.csv")).entries()
    assert len(found) == 18 + 1 and "prompt-dt" in found


def test_the_papers_agree_where_they_print_the_same_experiment():
    """PD copies values of PTDT, except for random prompts, which differ by 40."""
    tables = {path.stem: Published([path]) for path in report_run.TABLES}
    first, second = tables["ptdt_table1"], tables["pd_table1"]
    for entry in ("prompt-dt", "mt-orl", "prompt-dt-ft", "ptdt-offline"):
        for suite in SUITES:
            one, other = first.get(suite, entry), second.get(suite, entry)
            assert one and other and (one.mean, one.spread) == (other.mean, other.spread)
    first, second = tables["ptdt_table3"], tables["pd_table2"]
    for data in ("medium", "random"):
        one, other = (t.get("cheetah-vel", f"ptdt-{data}-expert") for t in (first, second))
        assert one and other and one.mean == other.mean
        one, other = (t.get("cheetah-vel", f"ptdt-{data}-random") for t in (first, second))
        assert one and other and one.note and other.note
        assert one.mean - other.mean == pytest.approx(40.0)
