"""Headline: primary contrasts in units of δ."""

import pytest
from matplotlib.figure import Figure

from support.verdict_table import ENTRIES, write_verdicts
from trajprompt.report.numbers.findings import read_findings
from trajprompt.report.plots.headline_figure import draw_headline
from trajprompt.report.plots.style import BLUE, VERMILION

NAMES = {str(entry["id"]): str(entry["label"]) for entry in ENTRIES}
PAPERS = {"arXiv 2305.09648": "Prompt-Tuning DT"}


@pytest.fixture
def axis(tmp_path, monkeypatch):
    """Axes of the figure, as it was saved."""
    kept = []
    original = Figure.savefig

    def savefig(figure, *arguments, **options):
        kept.append(figure.axes[0])
        original(figure, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", savefig)
    rows = read_findings(write_verdicts(tmp_path / "claims.csv"))
    draw_headline(rows, NAMES, PAPERS, tmp_path / "headline")
    assert (tmp_path / "headline.svg").is_file() and (tmp_path / "headline.png").is_file()
    return kept[0]


def _marks(axis, colour, marker) -> list[float]:
    lines = [line for line in axis.lines if line.get_color() == colour]
    return [float(line.get_xdata()[0]) for line in lines if line.get_marker() == marker]


def test_differences_are_divided_by_delta(axis):
    """And all are on the axis, which is logarithmic beyond 2 δ."""
    ours, papers = _marks(axis, BLUE, "o"), _marks(axis, VERMILION, "D")
    assert {2.2 / 2, 23.0, -9.0 / 2} <= {round(value, 6) for value in ours}
    assert {4.0 / 2, 2.4 / 1, 1.0 / 8} <= {round(value, 6) for value in papers}
    low, high = axis.get_xlim()
    assert axis.get_xscale() == "symlog" and low == -high
    assert all(low < value < high for value in (*ours, *papers))


def test_rows_are_below_their_paper_with_verdict_and_returns(axis):
    labels = [tick.get_text() for tick in axis.get_yticklabels()]
    assert labels == [
        "Prompt-Tuning DT",
        "PTDT-online > Prompt-DT, Cheetah-vel",
        "PTDT-online > Prompt-DT, MW reach",
        "PTDT-online ≈ Prompt-DT-FT, Ant-dir",
        "PTDT-online ≥ Prompt-DT-FT (gains), Average",
        "arXiv 2502.04979",  # no name is known
        "bandit > Untuned PDT, Ant-dir",
    ]
    texts = [text.get_text() for text in axis.texts]
    assert "2.2 [-3.3, 7.7]; paper 4.0; δ 2.0" in texts and "paper 1.0; δ 8.0" in texts
    assert texts.count("reproduced") == 2 and texts.count("contradicted") == 1


def test_a_run_without_primary_contrasts_says_so(tmp_path):
    rows = read_findings(write_verdicts(tmp_path / "claims.csv")).iloc[:0]
    draw_headline(rows, NAMES, PAPERS, tmp_path / "headline")
    assert (tmp_path / "headline.png").is_file()
