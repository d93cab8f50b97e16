"""The lock of a run: one holder at a time, and no lock after a killed holder."""

import os
import signal
import socket
import subprocess
import sys

import pytest

from trajprompt.errors import TrajpromptError
from trajprompt.workflow.run_lock import hold

HOLD = """
import sys, time
from pathlib import Path
from trajprompt.workflow.run_lock import hold
with hold("smoke", Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def locks(tmp_path):
    """Snakemake's locks of two runs."""
    folder = tmp_path / "locks"
    folder.mkdir()
    lines = {
        "0.input.lock": "src/a.py\nresults/smoke/1_collect/reach/trajectories.h5",
        "0.output.lock": "results/smoke/2_pretrain/reach/seed0.csv",
        "1.output.lock": "results/laptop/2_pretrain/reach/seed0.csv",
    }
    for name, text in lines.items():
        (folder / name).write_text(text + "\n")
    return folder


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def holder(folder):
    """A process that holds the lock."""
    command = [sys.executable, "-c", HOLD, str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_process_is_refused_and_the_holder_named(tmp_path, locks):
    process = holder(tmp_path)
    try:
        expected = f"run 'smoke': in use by process {process.pid} on {socket.gethostname()}"
        with pytest.raises(TrajpromptError, match=expected), hold("smoke", tmp_path):
            pass
        with hold("laptop", tmp_path):  # another run in the same folder
            pass
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def test_a_killed_process_leaves_no_locks_on_its_run(tmp_path, locks, capsys):
    kept = {path: path.read_text() for path in locks.iterdir()}
    process = holder(tmp_path)
    for path, text in kept.items():  # Snakemake writes them after its start
        path.write_text(text)
    process.send_signal(signal.SIGKILL)
    process.wait()
    with hold("smoke", tmp_path):
        assert names(locks) == ["1.output.lock"]
    assert f"process {process.pid} on" in capsys.readouterr().err


def test_locks_stay_if_no_holder_was_killed(tmp_path, locks):
    with hold("smoke", tmp_path):
        pass
    with hold("smoke", tmp_path):
        assert len(names(locks)) == 3


def test_another_hosts_locks_stay(tmp_path, locks):
    (tmp_path / "trajprompt-smoke.lock").write_text("7 on login-node.of.a.cluster")
    with (
        pytest.raises(TrajpromptError, match="process 7 on login-node.*--unlock"),
        hold("smoke", tmp_path),
    ):
        pass
    assert len(names(locks)) == 3


def test_child_processes_do_not_inherit_the_lock(tmp_path):
    with hold("smoke", tmp_path):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        with hold("smoke", tmp_path):
            assert (
                (tmp_path / "trajprompt-smoke.lock")
                .read_text()
                .startswith(f"{os.getpid()}")
            )
    finally:
        child.kill()
        child.wait()
