"""A cell that does nothing, with and without the job server.

    python benchmarks/job_server.py [--suite point-sparse]

Tuning with the method `none` and evaluating one episode per test task, with commands as
Snakemake starts them. CPU and wall seconds of a job: means of a series of jobs, minimum
over alternating series. CPU seconds are those of all processes: the client, the forked
process, and the server between two jobs. Its imports, once per run, are printed apart.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
from startup import ROOT, Job, jobs, module_of, process

from machine import describe
from trajprompt.config import derive
from trajprompt.config.load import load_config
from trajprompt.job_server import OFF, VARIABLE
from trajprompt.job_server.start import job_server
from trajprompt.settings.stages import to_json

OVERLAY = """
suites: [{suite}]
evaluate: {{ episodes: 1 }}
entries: {{ x: {{ label: X, condition: expert, method: none }} }}
tables: {{ mine: {{ title: mine, entries: [x] }} }}
report: [mine]
"""
# As in workflow/rules/common.smk.
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def cell(suite: str, folder: Path) -> list[Job]:
    """Make the inputs of a cell; return its two jobs, with settings as in the rules."""
    for job in jobs(suite, folder)[:2]:
        process(["-m", module_of(job.stage), *job.arguments])
    overlay = folder / "overlay.yaml"
    overlay.write_text(OVERLAY.format(suite=suite))
    config = load_config([ROOT / "config.yaml", ROOT / "presets/smoke.yaml", overlay])
    names = ("--suite", suite, "--condition", "expert", "--method", "none", "--seed", "0")
    tuned, backbone = str(folder / "tuned.h5"), str(folder / "backbone.safetensors")
    data, out = str(folder / "data.h5"), str(folder / "cell.csv")
    where = suite, "expert", "none", 0
    return [
        Job(
            "tune",
            (*names, "--settings", to_json(derive.tune(config, *where)))
            + ("--data", data, "--backbone-file", backbone, "--out", tuned),
        ),
        Job(
            "evaluate",
            (*names, "--settings", to_json(derive.evaluate(config, *where)))
            + ("--backbone-file", backbone, "--adaptation", tuned, "--out", out),
        ),
    ]


def run(job: Job) -> None:
    """Run a job in the environment that names the server."""
    command = [sys.executable, "-m", module_of(job.stage), *job.arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)


def used() -> float:
    """CPU seconds used so far by the children of this process and their children."""
    ended = os.times()
    total = ended.children_user + ended.children_system
    for child in psutil.Process().children():
        times = child.cpu_times()
        total += sum(times[:4])  # user and system time, its own and of its children
    return total


def series(job: Job, count: int) -> tuple[float, float]:
    """Mean CPU and wall seconds of a job."""
    before, start = used(), time.perf_counter()
    for _ in range(count):
        run(job)
    return (used() - before) / count, (time.perf_counter() - start) / count


@contextlib.contextmanager
def switched_off() -> Iterator[None]:
    name = os.environ[VARIABLE]
    os.environ[VARIABLE] = OFF
    try:
        yield
    finally:
        os.environ[VARIABLE] = name


def compare(job: Job, rounds: int, count: int) -> list[tuple[float, float]]:
    """CPU and wall seconds of a job without and with the server."""
    alone, served = [], []
    for _ in range(rounds):
        with switched_off():
            alone.append(series(job, count))
        served.append(series(job, count))
    return [tuple(map(min, zip(*found, strict=True))) for found in (alone, served)]


def show(label: str, times: Sequence[tuple[float, float]]) -> None:
    (cpu, wall), (served_cpu, served_wall) = times
    print(
        f"   {label:10} {cpu:8.3f} {wall:8.3f} {served_cpu:12.3f} {served_wall:8.3f}"
        f" {cpu / served_cpu:9.1f}x {wall / served_wall:5.1f}x",
        flush=True,
    )


def mib(kind: str) -> str:
    """Memory of the server."""
    (server,) = psutil.Process().children()
    return f"{getattr(server.memory_full_info(), kind) / 2**20:.0f} MiB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--suite", default="point-sparse", help="suite of the cell")
    parser.add_argument("--rounds", type=int, default=3, help="series of each kind")
    parser.add_argument("--jobs", type=int, default=8, help="jobs of a series")
    args = parser.parse_args()
    print(f"machine: {describe()}")
    os.environ.update(THREADS)
    os.environ.pop(VARIABLE, None)
    with tempfile.TemporaryDirectory() as name, job_server():
        with switched_off():
            work = cell(args.suite, Path(name))
        start = used()
        run(work[0])
        first = used() - start
        print("   per job, s  own: CPU     wall  server: CPU     wall  ratio: CPU  wall")
        found = [compare(job, args.rounds, args.jobs) for job in work]
        for job, times in zip(work, found, strict=True):
            show(job.stage, times)
        both = [
            tuple(map(sum, zip(*pair, strict=True))) for pair in zip(*found, strict=True)
        ]
        show("both", both)
        once = first - found[0][1][0]
        print(f"   start of the server, once per run: {once:.2f} CPU-s")
        print(f"   memory of the server: {mib('rss')}, of it {mib('uss')} not shared")


if __name__ == "__main__":
    main()
