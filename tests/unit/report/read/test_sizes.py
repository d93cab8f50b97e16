"""Parameter counts that the papers print."""

import pytest

from support import report_run
from trajprompt.errors import TrajpromptError
from trajprompt.report.read.papers import printed_files
from trajprompt.report.read.sizes import read_printed


def test_each_paper_has_its_own_sizes(tmp_path):
    files = printed_files(report_run.PAPERS, "sizes.csv")
    assert [path.parent.name for path in files] == ["prompt_diffuser", "ptdt"]
    second, first = map(read_printed, files)
    assert {size.text for size in first.values()} == {"0.03 %"}
    assert second["ptdt-offline"].text == "0.24K (0.0018 %)"
    assert second["prompt-dt-ft"].text == "13.71M (100 %)"
    assert all("2305.09648" in size.source for size in first.values())
    assert all("2411.01168" in size.source for size in second.values())
    assert read_printed(None) == {}  # a table without a paper
    wrong = tmp_path / "sizes.csv"
    wrong.write_text(files[1].read_text().replace("0.03", "little"))
    with pytest.raises(TrajpromptError, match=r"sizes.csv: .*percentage"):
        read_printed(wrong)
