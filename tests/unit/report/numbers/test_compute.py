"""Cost of a run by stage and by cell, with unknown parts."""

import math

import pandas as pd
import pytest

from support import report_run
from trajprompt.artifacts import resources
from trajprompt.artifacts.resources import read_resources, write_resources
from trajprompt.errors import TrajpromptError
from trajprompt.report.numbers.compute import TOTAL, RunFiles, compute_table
from trajprompt.report.numbers.method_costs import EVALUATE, TUNE, cost_table
from trajprompt.report.pages.compute_markdown import compute_markdown, cost_markdown
from trajprompt.report.read.jobs import job_cost

# (suite, condition, method) -> CPU seconds of tuning under each seed; None: not measured
COSTS = {
    ("cheetah-vel", "expert", "none"): [1.0, 1.0],
    ("cheetah-vel", "expert", "ptdt-offline"): [10.0, 14.0],
    ("cheetah-vel", "expert", "prompt-diffuser"): [30.0, 18.0],
    ("cheetah-vel", "random-prompt", "prompt-diffuser"): [30.0, None],
    ("reach", "expert", "ptdt-offline"): [8.0, 8.0],
    ("reach", "expert", "prompt-diffuser"): [20.0, 20.0],
    ("ant-dir", "expert", "ptdt-offline"): [None, None],
    ("ant-dir", "expert", "prompt-diffuser"): [5.0, 5.0],
}


@pytest.fixture
def costs(tmp_path) -> pd.DataFrame:
    """Cost table of `COSTS`; each evaluation job used two seconds."""
    files = {TUNE: [], EVALUATE: []}
    for cell, by_seed in COSTS.items():
        for seed, seconds in enumerate(by_seed):
            for stage, used in ((TUNE, seconds), (EVALUATE, 2.0)):
                made = tmp_path.joinpath(stage, *cell, f"seed{seed}.x")
                files[stage].append(made)
                if used is not None:
                    report_run.write_resources(made, cpu_s=used)
    return cost_table(files)


def test_cells_are_compared_within_suite_and_condition(costs):
    rows = costs[costs["stage"] == TUNE].set_index(["suite", "condition", "method"])
    assert list(rows.index) == list(COSTS)  # in the order of the files
    diffuser = rows.xs("prompt-diffuser", level="method")
    assert diffuser["cpu_seconds"].tolist() == [24.0, 30.0, 20.0, 5.0]
    expected = [2.0, float("nan"), 2.5, float("nan")]  # no baseline, or one not measured
    assert diffuser["against"].tolist() == pytest.approx(expected, nan_ok=True)
    assert rows.loc[("cheetah-vel", "expert", "none"), "against"] == pytest.approx(1 / 12)
    assert (rows["jobs"] == 2).all()
    assert rows["unknown"].tolist() == [0, 0, 0, 1, 0, 0, 2, 0]
    evaluated = costs[costs["stage"] == EVALUATE]
    assert (evaluated["cpu_seconds"] == 2).all() and evaluated["against"].dropna().eq(
        1
    ).all()


def test_the_diffusers_ratio_is_a_line_and_a_column(costs):
    text = cost_markdown(costs)
    line = "CPU seconds of tuning, prompt-diffuser / ptdt-offline: "
    assert f"**{line}2.00 in Cheetah-vel (expert), 2.50 in MW reach (expert).**" in text
    cells = "Cheetah-vel | expert | prompt-diffuser"
    assert f"| {cells} | 2 | 24.0 | 2.00 × | 2 | 2.0 | 1.00 × |" in text
    unknown = "Ant-dir | expert | ptdt-offline"
    assert f"| {unknown} | 0 of 2 | – | – | 2 | 2.0 | 1.00 × |" in text
    assert "| random-prompt | prompt-diffuser | 1 of 2 | 30.0 | – |" in text
    alone = cost_markdown(costs[costs["method"] == "none"])
    assert line not in alone and "| none | 2 | 1.0 | 0.08 × |" in alone


def test_without_cells_there_is_no_table():
    assert cost_markdown(cost_table({TUNE: []})) == ""


def test_stages_are_added_up(tmp_path):
    made = report_run.make_run(tmp_path, ("cheetah-vel", "reach"))
    evaluated = made.evaluations, made.random_policies
    files = RunFiles(made.stores, made.curves[:2], made.adaptations, *evaluated)
    table = compute_table(files).set_index("stage")
    count = sum(map(len, evaluated))
    assert list(table["jobs"]) == [2, 2, 1, count, count + 5]
    assert list(table["unknown"]) == [1, 2, 0, count, count + 3]
    hours = ["wall_hours", "cpu_hours", "memory_gib"]
    assert table.loc["1_collect", hours].tolist() == pytest.approx([0.5, 1.0, 0.5])
    assert table.loc["3_tune", "wall_hours"] == pytest.approx(60 / 3600)
    assert table.loc["2_pretrain", hours].isna().all()  # unknown, not zero
    assert table.loc[TOTAL, hours].tolist() == pytest.approx([0.5 + 1 / 60, 2.0, 0.5])
    assert table.loc["1_collect", "simulator_steps"] == (5 + 5) * 20
    assert table.loc["3_tune", "simulator_steps"] == 600
    without = RunFiles(evaluations=made.evaluations)
    steps = [compute_table(part).loc[3, "simulator_steps"] for part in (files, without)]
    assert steps[0] - steps[1] == 2 * 5 * 2 * 200  # suites, tasks, episodes, steps


def test_resources_of_a_job_are_read_back(tmp_path, monkeypatch):
    monkeypatch.setattr(resources, "age", lambda: 3661.04)
    made = tmp_path / "1_collect/reach/trajectories.h5"
    write_resources(made)
    assert [path.name for path in made.parent.iterdir()] == ["trajectories.resources.json"]
    cost = job_cost(made)
    assert cost.wall == 3661 and cost.cpu > 0 and cost.memory > 0
    write_resources(made, resumed_from=3)
    assert read_resources(made).resumed_from == 3
    # The last process of a resumed job does not measure the others.
    assert all(map(math.isnan, vars(job_cost(made)).values()))
    assert read_resources(made.with_name("other.h5")) is None


def test_compute_markdown_marks_unknown_parts(tmp_path):
    made = report_run.make_run(tmp_path, ("cheetah-vel", "reach"))
    known = compute_markdown(compute_table(RunFiles(made.stores[:1])), "r")
    assert "| 1_collect | 1 | 30.0 | 60.0 | 100 % | 0.50 |" in known
    assert "Unknown" not in known
    part = compute_markdown(compute_table(RunFiles(made.stores)), "r")
    assert "| 1_collect | 2 | ≥ 30.0 | ≥ 60.0 | – | ≥ 0.50 |" in part
    assert "time and memory of 1 of 2 jobs" in part


def test_costs_need_paths_of_the_run():
    with pytest.raises(TrajpromptError, match="a path through 3_tune"):
        cost_table({TUNE: ["elsewhere/seed0.h5"]})
