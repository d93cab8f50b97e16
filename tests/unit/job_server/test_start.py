"""Start of the job server."""

import os

import psutil

from trajprompt.job_server import OFF, VARIABLE
from trajprompt.job_server.start import job_server


def test_the_environment_names_the_server_while_it_runs(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    with job_server():
        assert os.environ[VARIABLE].startswith("trajprompt-")
        (server,) = psutil.Process().children()
        assert server.is_running()
    assert VARIABLE not in os.environ and not server.is_running()


def test_the_environment_is_restored(monkeypatch):
    monkeypatch.setenv(VARIABLE, "another")
    with job_server():
        assert os.environ[VARIABLE] != "another"
    assert os.environ[VARIABLE] == "another"


def test_a_server_that_is_switched_off_does_not_start(monkeypatch):
    monkeypatch.setenv(VARIABLE, OFF)
    with job_server():
        assert os.environ[VARIABLE] == OFF and psutil.Process().children() == []
    assert os.environ[VARIABLE] == OFF
