"""Which processes live and how long, and that a job does not outlive its workflow."""

import os
import signal
import subprocess
import sys
import time

import pytest

from trajprompt import processes
from trajprompt.errors import TrajpromptError
from trajprompt.processes import PARENT, _ask_for, age, is_alive, stop_with_parent

JOB = """
import sys, time
from trajprompt.processes import stop_with_parent
stop_with_parent()
print("ready", flush=True)
time.sleep(20)
print("outlived it", flush=True)
"""
# Starts a job as Snakemake does, and waits for it.
WORKFLOW = f"""
import subprocess, sys
command = '{PARENT}=$$:$PPID exec "$0" -c "$1"'
subprocess.run(["bash", "-c", command, sys.executable, sys.argv[1]])
"""


def test_a_process_that_ended_is_not_alive():
    process = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert not is_alive(process.pid)  # ended, but not yet waited for
    process.wait()
    assert not is_alive(process.pid)
    assert is_alive(os.getpid())


def test_age_counts_from_the_start_of_the_process():
    code = "import time; time.sleep(0.3); import trajprompt.processes as p; print(p.age())"
    before = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert 0.3 < float(done.stdout) < time.monotonic() - before + 0.02  # ticks are 0.01 s


def test_where_nothing_tells_the_start_age_counts_from_the_import(monkeypatch):
    def missing(pid):
        raise FileNotFoundError

    monkeypatch.setattr(processes, "_state", missing)
    monkeypatch.setattr(processes, "IMPORTED", time.monotonic() - 100)
    assert 100 <= age() < 200


def test_a_job_ends_with_its_workflow():
    command = [sys.executable, "-c", WORKFLOW, JOB]
    workflow = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert workflow.stdout.readline() == "ready\n"
    workflow.send_signal(signal.SIGKILL)
    workflow.wait()
    assert workflow.stdout.read() == ""  # its end comes when the job has ended too


def test_a_job_whose_workflow_is_gone_does_not_begin(monkeypatch):
    monkeypatch.setenv(PARENT, f"{os.getpid()}:{os.getppid() + 1}")
    try:
        with pytest.raises(TrajpromptError, match="is gone"):
            stop_with_parent()
    finally:
        _ask_for(0)  # no signal for the process that runs the tests
    assert PARENT not in os.environ


def test_by_hand_nothing_happens(monkeypatch):
    monkeypatch.setenv(PARENT, "1:2")  # some shell's, which this process is not
    stop_with_parent()
