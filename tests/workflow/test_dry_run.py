"""The DAG, without running it."""

import re

import pytest


def jobs(done):
    """Rule name -> number of jobs, from the table that a dry run prints."""
    assert done.returncode == 0, done.stdout + done.stderr
    table = (done.stdout + done.stderr).split("Job stats:")[1].split("total")[0]
    return {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", table, re.M)}


@pytest.mark.parametrize(("preset", "suites", "seeds"), [("smoke", 5, 1), ("paper", 5, 3)])
def test_every_cell_has_one_job(workflow, preset, suites, seeds):
    found = jobs(workflow.snakemake("-n", "--configfile", f"presets/{preset}.yaml"))
    # Eight columns of Table 1 for every suite, and the literal step size on one.
    cells = (suites * 8 + 1) * seeds
    assert found["collect"] == suites
    assert found["pretrain"] == suites * 3 * seeds
    assert found["tune"] == found["evaluate"] == cells


def test_a_target_asks_only_for_what_it_needs(workflow):
    assert set(jobs(workflow.snakemake("-n", "collect_all"))) == {"collect", "collect_all"}


def test_a_wrong_key_stops_before_any_job(workflow):
    (workflow.folder / "mine.yaml").write_text("evaluate: {episodez: 3}\n")
    done = workflow.snakemake("--configfile", "mine.yaml")
    assert done.returncode != 0
    assert "mine.yaml: evaluate.episodez: an unknown key" in done.stderr
    assert not (workflow.folder / "results").exists()


@pytest.mark.parametrize("target", ["table1", "figure5", "curves", "claims", "compute"])
def test_every_result_is_a_target(workflow, target):
    assert jobs(workflow.snakemake("-n", target))[target] == 1
