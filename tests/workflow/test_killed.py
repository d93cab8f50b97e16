"""Starting a second run, and resuming after a kill."""

import contextlib
import os
import signal
import sys
import time

import psutil
import pytest

from support.served_jobs import wait_for
from support.workflow_copy import Workflow

pytestmark = pytest.mark.slow
CONFIG = ("--configfile", "presets/smoke.yaml", "--config", "suites=[cheetah-dir]")
TARGET = "collect_all"
PROCESSES = 3 if sys.platform == "linux" else 1  # job, and its client and server


@pytest.fixture
def slow_workflow(tmp_path):
    """A workflow whose collection takes longer than the test."""
    workflow = Workflow(tmp_path)
    preset = tmp_path / "presets/smoke.yaml"
    preset.write_text(
        preset.read_text().replace("episodes_per_task: 18", "episodes_per_task: 1800")
    )
    return workflow


@pytest.fixture
def running(slow_workflow):
    """Snakemake and its running job; the process group is killed at the end."""
    log = slow_workflow.folder / "snakemake.log"
    process = slow_workflow.start(TARGET, *CONFIG, log=log)
    try:
        yield psutil.Process(process.pid), wait_for_job(process)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for_job(process) -> psutil.Process:
    main = psutil.Process(process.pid)
    while process.poll() is None:
        for child in main.children(recursive=True):
            with contextlib.suppress(psutil.Error):  # the process may have ended
                if "trajprompt.commands.collect" in child.cmdline():
                    return child
        time.sleep(0.1)
    raise AssertionError("Snakemake ended before its job started")


def test_a_second_snakemake_is_refused_but_a_dry_run_is_not(running, slow_workflow):
    main, _ = running
    second = slow_workflow.snakemake(TARGET, *CONFIG)
    assert second.returncode == 1
    assert f"run 'smoke': in use by process {main.pid} on" in second.stderr
    assert "Traceback" not in second.stderr
    assert slow_workflow.snakemake("-n", TARGET, *CONFIG).returncode == 0
    assert main.is_running()


def test_killing_snakemake_ends_its_jobs_and_frees_the_run(running, slow_workflow):
    main, _ = running
    assert wait_for(lambda: len(main.children(recursive=True)) >= PROCESSES)
    others = main.children(recursive=True)
    main.send_signal(signal.SIGKILL)
    assert psutil.wait_procs(others, timeout=30)[1] == []
    dry = slow_workflow.snakemake("-n", TARGET, *CONFIG)
    assert "removed the locks of killed process" in dry.stderr
    assert "cannot be locked" not in dry.stdout + dry.stderr
    again = slow_workflow.snakemake(TARGET, *CONFIG[:-1], "suites=[reach]")
    assert again.returncode == 0, again.stderr
