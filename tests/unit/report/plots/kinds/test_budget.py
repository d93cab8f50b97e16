"""Returns against the budget of simulator episodes."""

import pytest

from support import report_run
from support.plots_run import COLUMNS, make_figure
from support.plots_tables import FIGURES, kind_table
from trajprompt.commands.figure import main
from trajprompt.report.numbers.cell_table import EXPERT_DATA


def test_budgets_have_the_queries_and_the_level_of_the_expert_data(tmp_path):
    rows = kind_table(tmp_path, "budget")
    start = rows[(rows["column"] == "bandit") & (rows["queries"] == 0)].iloc[0]
    level = rows[rows["column"] == "prompt-dt"].iloc[0]
    assert start["mean"] == pytest.approx(level["mean"])
    end = rows[(rows["column"] == "bandit") & (rows["queries"] == 600)].iloc[0]
    assert end["mean"] - start["mean"] == pytest.approx(COLUMNS["bandit"][2])
    expert = rows[rows["column"] == EXPERT_DATA]
    assert expert["mean"].tolist() == [report_run.LEVELS["cheetah-vel"][1]]
    assert set(rows["column"]) == {*FIGURES["budget"][0], EXPERT_DATA}
    gain = rows[(rows["column"] == "bandit") & (rows["queries"] == 600)]["gain"]
    assert gain.tolist() == pytest.approx([COLUMNS["bandit"][2]])
    assert expert["gain"].iloc[0] == pytest.approx(expert["mean"].iloc[0] - level["mean"])


@pytest.mark.parametrize(
    ("suite", "named"), [("cheetah-vel", "fresh episodes"), ("reach", "the tuned episode")]
)
def test_episodes_are_fresh_only_if_resets_differ(suite, named, tmp_path, monkeypatch):
    texts = []
    monkeypatch.setattr(
        "matplotlib.axes.Axes.set_ylabel", lambda _, label, **more: texts.append(label)
    )
    monkeypatch.setattr(
        "matplotlib.figure.Figure.suptitle", lambda _, text, **more: texts.append(text)
    )
    entries, baseline = FIGURES["budget"]
    made = make_figure(tmp_path, "budget", entries, baseline, (suite,))
    main(made.command(tmp_path / "out"))
    assert named in texts[0]
    equal = "MW reach: resets are all equal" in texts[1].replace("\n", " ")
    assert equal == (suite == "reach")
