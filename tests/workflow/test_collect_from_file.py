"""A run whose data come from a file of the user's, here a copy of the smoke run's."""

import json
import shutil

import pytest

from trajprompt.trajectories.store import read_attributes, read_trajectories

TARGET = "results/mine/1_collect/reach/trajectories.h5"
OVERLAY = """
run: mine
suites: [reach]
collect: { reach: { algorithm: file, options: { path: mine.h5 } } }
"""


def collect(workflow, *arguments):
    files = ("--configfile", "presets/smoke.yaml", "mine.yaml")
    return workflow.snakemake(*files, *arguments, "--", TARGET)


def test_a_missing_file_stops_before_any_job(workflow):
    (workflow.folder / "mine.yaml").write_text(OVERLAY)
    done = collect(workflow)
    assert done.returncode != 0
    expected = "mine.yaml: collect.reach.options.path: found mine.h5, which is no file"
    assert expected in done.stderr
    assert not (workflow.folder / "results").exists()


@pytest.mark.slow
def test_a_run_takes_its_data_from_a_file_and_notices_when_it_changes(smoke):
    source = smoke.folder / "mine.h5"
    shutil.copy(smoke.folder / TARGET.replace("mine", "smoke"), source)
    (smoke.folder / "mine.yaml").write_text(OVERLAY)
    done = collect(smoke)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    made, given = smoke.folder / TARGET, read_trajectories(source)
    found = read_trajectories(made)
    assert sorted(found) == sorted(given)
    for task in found:
        assert found[task].rewards.tobytes() == given[task].rewards.tobytes()
    assert list(json.loads(read_attributes(made)["inputs"])) == ["mine.h5"]
    assert "Nothing to be done" in (again := collect(smoke, "-n")).stdout + again.stderr
    source.write_bytes(source.read_bytes() + b"changed")
    changed = collect(smoke, "-n")
    assert "Nothing to be done" not in changed.stdout + changed.stderr
