"""The file of a job's resources: written atomically and read strictly."""

import json

import pytest

from support import report_run
from trajprompt.artifacts.resources import read_resources, write_resources
from trajprompt.errors import TrajpromptError


@pytest.mark.parametrize(
    "damage",
    [
        {"cpu_s": "1"},
        {"cpu_s": -1},
        {"cpu_s": None},
        {"wall_s": float("inf")},
        {"peak_mib": 0.5},
        {"peak_mib": True},
        {"resumed_from": 1.5},
        {"more": 1},
    ],
)
def test_damaged_resources_are_named(damage, tmp_path):
    made = tmp_path / "seed0.csv"
    write_resources(made)
    path = tmp_path / "seed0.resources.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **damage}))
    with pytest.raises(TrajpromptError, match=f"{path}.*remove it"):
        read_resources(made)
    path.write_text("{")
    with pytest.raises(TrajpromptError, match="not JSON"):
        read_resources(made)


def test_a_job_killed_while_it_writes_leaves_no_partial_file(tmp_path, monkeypatch):
    made = tmp_path / "seed0.csv"
    report_run.write_resources(made)
    complete = read_resources(made)

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", killed)
    with pytest.raises(KeyboardInterrupt):
        write_resources(made)
    assert read_resources(made) == complete and len(list(tmp_path.iterdir())) == 1
