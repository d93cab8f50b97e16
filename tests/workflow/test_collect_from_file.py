"""A run whose data come from the user's file."""

import json

import pytest

from support.exchange_data import REACH, stored
from trajprompt.trajectories.store import read_attributes, read_trajectories

TARGET = "results/mine/1_collect/reach/trajectories.h5"
TASKS = [1, 2, 3, 6, 9]  # as in the smoke run
OVERLAY = """
run: mine
suites: [reach]
collect:
  reach:
    algorithm: file
    options: { path: mine.h5 }
    expert_at_least: null # the data are noise
    random_at_most: null
"""


def collect(workflow, *arguments):
    files = ("--configfile", "presets/smoke.yaml", "mine.yaml")
    return workflow.snakemake(*files, *arguments, "--", TARGET)


def test_a_missing_file_stops_before_any_job(workflow):
    (workflow.folder / "mine.yaml").write_text(OVERLAY)
    done = collect(workflow)
    assert done.returncode != 0
    expected = "mine.yaml: collect.reach.options.path: found mine.h5, which is not a file"
    assert expected in done.stderr
    assert not (workflow.folder / "results").exists()


@pytest.mark.slow
def test_a_run_reads_a_file_and_detects_its_changes(workflow):
    source = stored(workflow.folder / "mine.h5", REACH, TASKS, [REACH.horizon] * 6)
    (workflow.folder / "mine.yaml").write_text(OVERLAY)
    done = collect(workflow)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    made, given = workflow.folder / TARGET, read_trajectories(source)
    found = read_trajectories(made)
    assert sorted(found) == TASKS
    for task in found:
        assert found[task].rewards.tobytes() == given[task].rewards.tobytes()
    assert list(json.loads(read_attributes(made)["inputs"])) == ["mine.h5"]
    again = collect(workflow, "-n")
    assert "Nothing to be done" in again.stdout + again.stderr
    source.write_bytes(source.read_bytes() + b"changed")
    changed = collect(workflow, "-n")
    assert "Nothing to be done" not in changed.stdout + changed.stderr
