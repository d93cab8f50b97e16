"""The table of cells: averages, returns of the data, missing cells."""

import numpy as np
import pandas as pd
import pytest

from support import report_run
from support.report_table import PRINTED, SUITES, made, run, table
from trajprompt.errors import TrajpromptError
from trajprompt.report.numbers.cell_table import (
    EXPERT_DATA,
    FIRST_EPISODES,
    cell_table,
    task_table,
)
from trajprompt.report.pages.formats import number
from trajprompt.report.pages.table_markdown import (
    gap_markdown,
    sizes_markdown,
    table_markdown,
    task_markdown,
)
from trajprompt.report.read.papers import printed_files
from trajprompt.report.read.published import AVERAGE
from trajprompt.report.read.run import load_run

__all__ = ["made", "run", "table"]  # fixtures


def test_table_has_the_means_of_the_files(made, table):
    rows = table.set_index(["column", "suite"])
    frames = [pd.read_csv(p) for p in made.evaluations if "cheetah-vel/few-shot" in str(p)]
    episodes = pd.concat(frames)
    for method in ("ptdt-offline", "ptdt-online"):
        last = episodes[(episodes.method == method) & (episodes.checkpoint == "last")]
        row = rows.loc[(method, "cheetah-vel")]
        assert row["mean"] == pytest.approx(last["return"].mean())
        by_seed = last.groupby("seed")["return"].mean()
        assert row["spread"] == pytest.approx(by_seed.std(ddof=1))
        assert row["low"] < row["mean"] < row["high"]
        assert (row["seeds"], row["tasks"], row["episodes"]) == (3, 5, 3)


def test_average_has_equal_suite_weights_and_needs_all_suites(table):
    rows = table.set_index(["column", "suite"])["mean"]
    assert rows["mt-orl", AVERAGE] == pytest.approx(
        np.mean([rows["mt-orl", s] for s in SUITES])
    )
    assert ("ptdt-offline-literal", AVERAGE) not in rows.index
    assert ("ptdt-offline-literal", "cheetah-vel") in rows.index


def test_average_is_over_the_suites_that_the_papers_print(tmp_path):
    made = report_run.make_run(tmp_path, ("cheetah-vel", "ant-dir-ood", "reach"))
    run = load_run(made.settings, made.evaluations, made.stores, published=PRINTED)
    table = cell_table(run)
    rows = table.set_index(["column", "suite"])
    for name in ("mt-orl", FIRST_EPISODES, EXPERT_DATA):
        for field in ("mean", "gap_closed"):
            parts = [rows.loc[(name, suite), field] for suite in ("cheetah-vel", "reach")]
            assert rows.loc[(name, AVERAGE), field] == pytest.approx(np.mean(parts))
    assert rows.loc[("mt-orl", AVERAGE), "published"] == pytest.approx((-146.6 + 264.1) / 2)
    assert "over Cheetah-vel, MW reach with equal weight" in table_markdown(table, run)
    unprinted = load_run(made.settings, made.evaluations, made.stores)
    assert unprinted.averaged == made.settings.suites


def test_a_table_of_one_suite_has_no_average(tmp_path):
    made = report_run.make_run(tmp_path, ("ant-dir-ood",))
    printed = printed_files(report_run.PAPERS, "pd_table9.csv")
    run = load_run(made.settings, made.evaluations, made.stores, published=printed)
    table = cell_table(run)
    assert set(table["suite"]) == {"ant-dir-ood"}
    rows = table.set_index("column")["published"]
    assert (rows["prompt-dt"], rows["ptdt-offline"]) == (526.0, 540.8)
    assert "Average" not in table_markdown(table, run)


def test_parameter_counts_are_beside_the_printed_counts(tmp_path):
    made = report_run.make_run(tmp_path, ("cheetah-vel", "reach"))
    files = {"published": PRINTED, "printed_sizes": report_run.PAPERS / "ptdt/sizes.csv"}
    run = load_run(made.settings, made.evaluations, made.stores, made.adaptations, **files)
    table = cell_table(run)
    row = table.set_index(["column", "suite"]).loc[("ptdt-online", "cheetah-vel")]
    assert row["parameters"] == 135
    assert row["parameters_percentage"] == pytest.approx(0.01565, abs=1e-5)
    text = sizes_markdown(table, run)
    assert "| PTDT-ONLINE | 135 (0.0157 %) | – | 0.03 % |" in text
    assert "| PTDT-OFFLINE | – | – | 0.03 % |" in text
    assert "| MT-ORL" not in text and "| PROMPT-DT-FT" not in text  # PTDT prints none
    page = table_markdown(table, run)
    assert "no count is printed" in page
    assert page.splitlines()[2].startswith("| return | tuned parameters | Cheetah-vel")
    assert "\n| PTDT-ONLINE | 135 | " in page and "\n| PTDT-OFFLINE | – | " in page


def test_ends_of_d4rls_scores_are_not_called_data(tmp_path):
    """Nor are they the run's first and expert episodes."""
    made = report_run.make_run(tmp_path, ("hopper-medium",))
    run = load_run(made.settings, made.evaluations, made.stores)
    text = gap_markdown(cell_table(run), run) + task_markdown(task_table(run))
    assert "share of the gap from D4RL's 0 to D4RL's 100, %" in text
    assert "| task | D4RL's 0 | D4RL's 100 | mean of the data |" in text
    assert "expert" not in text and "first" not in text


def test_share_of_the_gap_closed(run, table):
    rows = table.set_index(["column", "suite"])
    first, expert = -260.0, -52.0
    for name in ("prompt-dt", "mt-orl", "ptdt-offline-literal"):
        row = rows.loc[(name, "cheetah-vel")]
        assert row["gap_closed"] == pytest.approx((row["mean"] - first) / (expert - first))
    assert rows.loc[(FIRST_EPISODES, "reach"), "gap_closed"] == pytest.approx(0.0)
    assert rows.loc[(EXPERT_DATA, "reach"), "gap_closed"] == pytest.approx(1.0)
    text = gap_markdown(table, run)
    shares = [rows.loc[("prompt-dt", s), "gap_closed"] for s in (*SUITES, AVERAGE)]
    line = " | ".join(number(100 * share, 0) for share in shares)
    assert f"| PROMPT-DT | {line} |" in text and text in table_markdown(table, run)
    assert text.splitlines()[-1].startswith("| PTDT-OFFLINE-LITERAL | – | ")


def test_last_and_best_are_different_tables(run, table):
    best = cell_table(run, "best").set_index(["column", "suite"])["mean"]
    last = table.set_index(["column", "suite"])["mean"]
    assert best["ptdt-online", "reach"] != last["ptdt-online", "reach"]


def test_returns_of_the_data_are_rows(table):
    rows = table.set_index(["column", "suite"])["mean"]
    assert rows[FIRST_EPISODES, "cheetah-vel"] == pytest.approx(-260.0)
    assert rows[EXPERT_DATA, "cheetah-vel"] == pytest.approx(-52.0)
    assert rows[EXPERT_DATA, AVERAGE] == pytest.approx((880 - 52 + 410 + 655) / 4)


def test_task_table_averages_to_cell_table(run, table):
    tasks = task_table(run)
    means = tasks.groupby(["column", "suite"])["mean"].mean()
    rows = table.set_index(["column", "suite"])["mean"]
    for key, mean in means.items():
        assert rows[key] == pytest.approx(mean)


def test_a_missing_cell_names_its_file(made):
    short = [p for p in made.evaluations if "reach/mt-orl/none/seed1" not in str(p)]
    run = load_run(made.settings, short, made.stores, published=PRINTED)
    with pytest.raises(TrajpromptError, match="4_evaluate/reach/mt-orl/none/seed1.csv"):
        cell_table(run)


def test_a_missing_store_names_the_suite(made):
    stores = [path for path in made.stores if "ant-dir" not in str(path)]
    run = load_run(made.settings, made.evaluations, stores, published=PRINTED)
    with pytest.raises(TrajpromptError, match="trajectory store of ant-dir"):
        cell_table(run)
