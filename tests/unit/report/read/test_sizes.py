"""Parameter counts that the papers print."""

import pytest

from support import report_run
from trajprompt.errors import TrajpromptError
from trajprompt.report.read.papers import PAPERS
from trajprompt.report.read.sizes import read_printed


def test_every_papers_tables_have_its_own_sizes(tmp_path):
    path = report_run.PUBLISHED / "sizes.csv"
    first, second, third = (read_printed(path, paper) for paper in PAPERS)
    assert not third  # prints none that we know of
    assert {size.text for size in first.values()} == {"0.03 %"}
    assert second["ptdt-offline"].text == "0.24K (0.0018 %)"
    assert second["prompt-dt-ft"].text == "13.71M (100 %)"
    assert all("2305.09648" in size.source for size in first.values())
    assert all("2411.01168" in size.source for size in second.values())
    assert read_printed(path, "") == read_printed(None, "ptdt") == {}  # a table of no paper
    wrong = tmp_path / "sizes.csv"
    wrong.write_text(path.read_text().replace("\nptdt,", "\nother,"))
    with pytest.raises(TrajpromptError, match=r"sizes.csv: papers \['other'\]"):
        read_printed(wrong, "ptdt")
