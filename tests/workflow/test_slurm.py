"""The Slurm profile on a real Slurm: stopped jobs resume; results equal a local run's."""

import contextlib
import filecmp
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from support.slurm_cluster import SlurmCluster, SlurmUnavailable, children
from support.workflow_copy import Workflow
from trajprompt.artifacts.resources import SUFFIX

pytestmark = pytest.mark.slow

# The smoke run of reach with two methods, and a collection of at least a minute.
CONFIG = """
suites: [reach, cheetah-dir]
collect:
  cheetah-dir: { options: { episodes_per_task: 60, updates_per_step: 9 } }
tables:
  mine: { title: mine, suites: [reach], entries: [prompt-dt, ptdt-offline] }
report: [mine]
"""
STORE = "results/smoke/1_collect/cheetah-dir/trajectories.h5"
TARGET = ("mine", STORE, "--configfile", "presets/smoke.yaml", "mine.yaml")
SLURM = "--workflow-profile profiles/slurm --slurm-init-seconds-before-status-checks 5"
LONG_LOG = "logs/smoke/1_collect/cheetah-dir.log"
LONG_JOB = "rule_collect_wildcards_smoke_cheetah-dir"


@dataclass(frozen=True)
class Story:
    """Outputs and logs of a run on Slurm and of the same run without Slurm."""

    slurm: Path
    local: Path
    visible_devices: str | None  # CUDA_VISIBLE_DEVICES of the collecting job
    first: str  # output of the first run
    cancelled_log: str  # log of its cancelled job
    last_log: str  # log of the second run's job, which finished
    jobs: list[tuple[str, str]]  # of Slurm: rule and wildcards; resources and state


class Run:
    """A running Snakemake, killed at the end of the block; its output goes to a file."""

    def __init__(self, workflow: Workflow, command: list[str], name: str):
        self.workflow, self.command = workflow, command
        self.printed = workflow.folder / f"{name}.txt"

    def __enter__(self) -> "Run":
        with self.printed.open("w") as file:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.workflow.folder,
                env=self.workflow.environment,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def wait_until(self, condition: Callable[[], object], seconds: float = 300) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None and time.monotonic() < end, self.tail()
            time.sleep(0.2)

    def succeeds(self, seconds: float = 900) -> bool:
        return self.process.wait(seconds) == 0

    def tail(self) -> str:
        return text(self.printed)[-8000:]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlurmCluster]:
    try:
        with SlurmCluster(tmp_path_factory.mktemp("slurm")) as cluster:
            yield cluster
    except SlurmUnavailable as reason:
        if os.environ.get("TRAJPROMPT_REQUIRE_SLURM"):
            pytest.fail(f"no private Slurm: {reason}")
        pytest.skip(f"no private Slurm: {reason}")


@pytest.fixture(scope="module")
def story(cluster: SlurmCluster, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Stop a job before its limit, retry it, cancel it, and run it once more."""
    slurm = Workflow(tmp_path_factory.mktemp("on_slurm"))
    local = Workflow(tmp_path_factory.mktemp("local"))
    for workflow in slurm, local:
        (workflow.folder / "mine.yaml").write_text(CONFIG)
    log = slurm.folder / LONG_LOG
    snakemake = [sys.executable, "-m", "snakemake"]
    # Tests started by a shell in the background ignore Ctrl-C.
    started = ("env", "--default-signal=INT", *snakemake, *SLURM.split(), *TARGET)
    on_slurm = cluster.command(*started, folder=slurm.folder)

    with Run(slurm, on_slurm, "first") as first:
        first.wait_until(lambda: collecting_process(slurm.folder))
        environment = collecting_process(slurm.folder).environ()
        change_limit(cluster, LONG_JOB, minutes=2)
        first.wait_until(lambda: "resumes after step" in text(log))
        cluster.output("scancel", *running_jobs(cluster, LONG_JOB))
        first.wait_until(lambda: "stopped by SIGTERM after step" in text(log))
        cancelled = text(log)
        interrupt(first)
        assert not first.succeeds()
    cancel_all(cluster)
    alone = Run(local, [*snakemake, "--cores", "1", *TARGET], "local")
    with Run(slurm, on_slurm, "second") as second, alone:
        assert second.succeeds(), second.tail()
        assert alone.succeeds(), alone.tail()
    printed, jobs = text(first.printed), all_jobs(cluster)
    devices = environment.get("CUDA_VISIBLE_DEVICES")
    return Story(slurm.folder, local.folder, devices, printed, cancelled, text(log), jobs)


def interrupt(run: Run) -> None:
    """Send Ctrl-C, twice if necessary.

    If a local job starts at the same moment, Snakemake 9.27 waits for the job's thread
    until the second Ctrl-C.
    """
    for patience in (90, 900):
        os.kill(children(run.process.pid)[0], signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            run.process.wait(patience)
            return


def collecting_process(folder: Path) -> psutil.Process | None:
    """The process that collects cheetah-dir in ``folder``, once it handles SIGTERM."""
    for process in psutil.process_iter(["cmdline", "cwd"]):
        words = process.info["cmdline"] or []
        here = process.info["cwd"] == str(folder)
        if here and "trajprompt.commands.collect" in words and "cheetah-dir" in words:
            return process if handles(process.pid, signal.SIGTERM) else None
    return None


def handles(pid: int, number: signal.Signals) -> bool:
    caught = re.search(r"SigCgt:\s*(\w+)", text(Path(f"/proc/{pid}/status")))
    return caught is not None and bool(int(caught[1], 16) >> (number - 1) & 1)


def text(file: Path) -> str:
    return file.read_text() if file.is_file() else ""


def running_jobs(cluster: SlurmCluster, comment: str) -> list[str]:
    lines = cluster.output("squeue", "-h", "-t", "RUNNING", "-o", "%i %k").splitlines()
    return [line.split()[0] for line in lines if line.endswith(f" {comment}")]


def cancel_all(cluster: SlurmCluster) -> None:
    """Cancel all jobs: Snakemake may not do it if it is stopped while it polls states."""
    cluster.output("scancel", "--user", "root")
    end = time.monotonic() + 120
    while left := cluster.output("squeue", "-h"):
        assert time.monotonic() < end, left
        time.sleep(0.2)


def change_limit(cluster: SlurmCluster, comment: str, minutes: int) -> None:
    (job,) = running_jobs(cluster, comment)
    cluster.output("scontrol", "update", f"JobId={job}", f"TimeLimit={minutes}")


def all_jobs(cluster: SlurmCluster) -> list[tuple[str, str]]:
    columns = "Comment:100,tres-per-job:50,tres-alloc:50,TimeLimit:50,State:50"
    lines = cluster.output("squeue", "-h", "-t", "all", "-O", columns).splitlines()
    return [(line[:100].strip(), line[100:].strip()) for line in lines]


def test_a_job_near_its_limit_is_stopped_and_the_next_attempt_resumes(story):
    assert "stopped by SIGTERM after step" in story.first
    assert "Trying to restart job" in story.first
    assert "resumes after step" in story.cancelled_log


def test_the_next_attempt_requests_twice_the_memory_and_time(story):
    requests = [used for rules, used in story.jobs if rules == LONG_JOB]
    assert any("mem=24000M" in used and "1-00:00:00" in used for used in requests)


def test_a_cancelled_job_saves_and_the_next_run_resumes(story):
    (stopped,) = re.findall(r"stopped by SIGTERM after step (\d+)", story.cancelled_log)
    assert f"resumes after step {stopped} of " in story.last_log


def test_only_learning_jobs_get_a_gpu(story):
    assert story.visible_devices in ("0", "1")
    jobs = dict(story.jobs)
    assert "gres:gpu:1" in jobs[LONG_JOB]
    assert "gpu" not in jobs["rule_collect_wildcards_smoke_reach"]


def test_a_cell_is_one_job(story):
    jobs = [used for rules, used in story.jobs if rules == "rule_cell_evaluate_tune"]
    cells = [used for used in jobs if "COMPLETED" in used]
    assert len(cells) == 2  # of two methods
    # The larger of the two memory requests, the sum of the times, one GPU for both.
    for request in "mem=4000M", "6:00:00", "gres:gpu:1":
        assert all(request in used for used in cells)


@pytest.mark.parametrize("stage", ["1_collect", "2_pretrain", "3_tune", "4_evaluate"])
def test_artifacts_equal_those_of_a_local_run(story, stage):
    compare(story, stage)


def test_tables_equal_those_of_a_local_run(story):
    assert compare(story, "5_report/tables") >= {"mine.csv", "mine.md"}


def compare(story: Story, part: str) -> set[str]:
    """Assert that the files of ``part`` are equal in both runs; return their names."""
    ours, theirs = (run / "results/smoke" / part for run in (story.slurm, story.local))
    names = files(ours)
    assert names and names == files(theirs)
    # Measured times differ.
    names = [name for name in names if not name.endswith(SUFFIX)]
    same, *different = filecmp.cmpfiles(ours, theirs, names, shallow=False)
    assert different == [[], []]
    return set(same)


def files(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
