"""A job with the real libraries, forked and in its own process."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from support.tuning_job import SETTINGS, files
from trajprompt.job_server import OFF, VARIABLE
from trajprompt.job_server.start import job_server
from trajprompt.settings.stages import to_json

__all__ = ["files"]  # a fixture
OPTIONS = {
    "full-finetune": {"iterations": 2, "steps_per_iteration": 2},
    "ptdt-online": {"iterations": 1, "steps_per_iteration": 1},
}


def tune(method):
    """Bytes of all files that a tuning job writes, except its resources."""
    settings = dataclasses.replace(
        SETTINGS, method=method, kind=method, options=OPTIONS[method]
    )
    names = ("suite", "condition", "method", "seed")
    arguments = [text for n in names for text in (f"--{n}", str(getattr(settings, n)))]
    arguments += ["--data", "d.h5", "--backbone-file", "b.safetensors"]
    arguments += ["--out", "tuned.h5", "--settings", to_json(settings)]
    command = [sys.executable, "-m", "trajprompt.commands.tune", *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run(command, env=environment, check=True)
    written = [path for path in Path().glob("tuned*") if "resources" not in path.name]
    return {path.name: path.read_bytes() for path in written}


@pytest.mark.parametrize("method", OPTIONS)
def test_a_forked_job_writes_the_same_bytes(files, method, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.chdir(files)
    with job_server():
        tune(method)
        served = tune(method)
        (server,) = psutil.Process().children()
        assert server.cpu_times().children_user > 0  # of the forked processes
    monkeypatch.setenv(VARIABLE, OFF)
    assert served == tune(method)
    assert "tuned.h5" in served
