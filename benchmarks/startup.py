"""Start-up time: of every command's ``--help``, and of the imports of small jobs.

    python benchmarks/startup.py [--suite cheetah-dir]

``--help``: median wall and CPU seconds of fresh processes. Imports: every stage runs a
tiny job, in the order of a run. import_clock.py sums the CPU seconds of the interpreter's
start and of all import statements, including late ones. For comparison, imports of
libraries that the stages use or might have used.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from machine import describe
from trajprompt.cli import COMMANDS, MODULES
from trajprompt.openvino import is_installed

HELP_LIMIT, IMPORT_LIMIT = 0.3, 2.5  # targets: wall seconds; CPU seconds
ROOT = Path(__file__).resolve().parents[1]
LIBRARIES = ("numpy", "torch", "gymnasium", "stable_baselines3", "metaworld")
OPENVINO = "import trajprompt.openvino as ours; ours.import_openvino()"  # as the stages do
OPENVINO_LIMIT = 0.3  # target: CPU seconds
# Overrides the smoke preset: a single table with a single entry.
OVERLAY = """
suites: [{suite}]
entries: {{ x: {{ label: X, condition: expert, method: {method} }} }}
tables: {{ mine: {{ title: mine, entries: [x] }} }}
report: [mine]
"""


@dataclass(frozen=True)
class Job:
    """Arguments of a tiny job of a stage."""

    stage: str
    arguments: tuple[str, ...]
    note: str = ""


def module_of(stage: str) -> str:
    """Name of the module to run for a stage."""
    return f"trajprompt.commands.{MODULES.get(stage, stage.replace('-', '_'))}"


def jobs(suite: str, folder: Path) -> list[Job]:
    """One job of each stage, ordered so that each finds its inputs."""
    store, prompts, episodes = (folder / x for x in ("data.h5", "tuned.h5", "cell.csv"))
    backbone, films = folder / "backbone.safetensors", folder / "film.gif"
    task = "6" if suite == "reach" else "0"
    overlay = folder / "overlay.yaml"
    overlay.write_text(OVERLAY.format(suite=suite, method="ptdt-online"))
    configs = ("--config", "config.yaml", "presets/smoke.yaml", str(overlay))
    cell = ("--suite", suite, "--condition", "expert", "--seed", "0", *configs)
    frozen = ("--backbone-file", str(backbone))
    learned = ("--data", str(store), *frozen)
    return (
        [
            Job("collect", ("--suite", suite, "--out", str(store), *configs)),
            Job(
                "pretrain",
                ("--suite", suite, "--backbone", "prompt-dt", "--seed", "0", *configs)
                + ("--data", str(store), "--out", str(backbone))
                + ("--curve", str(folder / "curve.csv")),
            ),
        ]
        + [
            Job(
                "tune", (*cell, "--method", method, *learned, "--out", str(prompts)), method
            )
            for method in ("full-finetune", "ptdt-online")
        ]
        + [
            Job(
                "evaluate",
                (*cell, "--method", "ptdt-online", *frozen)
                + ("--adaptation", str(prompts), "--out", str(episodes)),
            ),
            Job(
                "report",
                ("table", "--table", "mine", "--evaluations", str(episodes))
                + ("--stores", str(store), "--out", str(folder / "report"), *configs),
                "table",
            ),
            Job("inspect", (str(store),)),
            Job("inspect", (str(store), "--plot", str(folder / "store.png")), "--plot"),
            Job(
                "render",
                ("--suite", suite, "--task", task, "--steps", "3", "--out", str(films))
                + (*frozen, "--adaptation", str(prompts)),
            ),
        ]
    )


def process(command: Sequence[str]) -> tuple[float, float]:
    """Wall and CPU seconds of a fresh process, with one thread per library."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [sys.executable, *command],
        capture_output=True,
        text=True,
        env=environment,
        cwd=ROOT,
    )
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu


def median_process(command: Sequence[str], repeats: int) -> tuple[float, float]:
    """Medians of wall and CPU seconds after one run that warms the disk cache."""
    process(command)
    walls, cpus = zip(*(process(command) for _ in range(repeats)), strict=True)
    return statistics.median(walls), statistics.median(cpus)


def clocked(job: Job, folder: Path, repeats: int) -> dict[str, float]:
    """Times of the run of a job with the median import time; see import_clock.py."""
    clock, out = str(ROOT / "benchmarks" / "import_clock.py"), folder / "clock.json"
    found = []
    for _ in range(repeats):
        process([clock, str(out), module_of(job.stage), *job.arguments])
        found.append(json.loads(out.read_text()))
    return sorted(found, key=lambda times: times["imports"])[len(found) // 2]


def verdict(value: float, limit: float) -> str:
    return f"{value / limit:4.0%} of {limit} s" + ("" if value <= limit else ", TOO SLOW")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--suite", default="cheetah-dir", help="suite of the tiny jobs")
    parser.add_argument("--repeats", type=int, default=5, help="runs of each --help")
    parser.add_argument("--job-repeats", type=int, default=3, help="runs of each tiny job")
    args = parser.parse_args()
    print(f"machine: {describe()}")
    print("python -m <stage> --help          wall s  CPU s")
    for stage in COMMANDS:
        wall, cpu = median_process(["-m", module_of(stage), "--help"], args.repeats)
        print(f"   {stage:28}  {wall:6.2f} {cpu:6.2f}   {verdict(wall, HELP_LIMIT)}")
    print(f"a tiny job on {args.suite}: CPU s  imports  modules")
    with tempfile.TemporaryDirectory() as name:
        for job in jobs(args.suite, Path(name)):
            times = clocked(job, Path(name), args.job_repeats)
            imports = times["start"] + times["imports"]
            print(
                f"   {job.stage + ' ' + job.note:28}  {times['all']:6.2f} {imports:6.2f}"
                f" {times['modules']:6}   {verdict(imports, IMPORT_LIMIT)}",
                flush=True,
            )
    print("for comparison, python -c 'import <library>': wall s  CPU s")
    for library in LIBRARIES:
        wall, cpu = median_process(["-c", f"import {library}"], args.job_repeats)
        print(f"   {library:28}  {wall:6.2f} {cpu:6.2f}")
    if is_installed():
        wall, cpu = median_process(["-c", OPENVINO], args.job_repeats)
        text = verdict(cpu, OPENVINO_LIMIT)
        print(f"   {'openvino':28}  {wall:6.2f} {cpu:6.2f}   {text}")


if __name__ == "__main__":
    main()
