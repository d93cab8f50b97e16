"""Life and age of processes, and the end of a job with its workflow."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from trajprompt import processes
from trajprompt.processes import PARENT, age, is_alive, stop_with_parent

JOB = """
import sys, time
from trajprompt.processes import stop_with_parent
stop_with_parent()
print("ready", flush=True)
time.sleep(20)
print("still alive", flush=True)
"""
# Starts a job as Snakemake does, and waits until it ends.
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


def test_without_proc_age_counts_from_the_import(monkeypatch):
    monkeypatch.setattr(processes, "Path", lambda _: Path("/nowhere"))
    monkeypatch.setattr(processes, "IMPORTED", time.monotonic() - 100)
    assert 100 <= age() < 200


def test_a_job_ends_with_its_workflow():
    command = [sys.executable, "-c", WORKFLOW, JOB]
    workflow = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert workflow.stdout.readline() == "ready\n"
    workflow.send_signal(signal.SIGKILL)
    workflow.wait()
    assert workflow.stdout.read() == ""  # read() returns when the job has ended too


def test_a_job_does_not_start_if_its_workflow_has_ended():
    command = f'{PARENT}=$$:0 exec "$0" -c "$1"'  # no process has the id 0
    arguments = ["bash", "-c", command, sys.executable, JOB]
    done = subprocess.run(arguments, capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout == ""
    message = (
        f"TrajpromptError: {PARENT}: process 0 is gone; expected a running Snakemake; "
        "run `snakemake` again"
    )
    assert done.stderr.splitlines()[-1].endswith(message)


def test_nothing_happens_outside_a_workflow(monkeypatch):
    monkeypatch.setenv(PARENT, "1:2")  # not the id of this process
    stop_with_parent()
    assert PARENT not in os.environ
