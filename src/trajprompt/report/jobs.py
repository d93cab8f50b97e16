"""What the jobs of a run measured: wall time, CPU time and memory of each.

Wall time is Snakemake's (a benchmark file per job). CPU time and memory are not: it samples
a running job too rarely, and was a factor of two off for short ones. Every stage prints its
own at the end of its log, see ``errors.run_stage``.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from trajprompt.checkpoint import RESUMED
from trajprompt.errors import TrajpromptError
from trajprompt.report.reading import read_table

USED = re.compile(r"used: (\d+\.\d) CPU-s, (\d+) MiB peak")
UNKNOWN = float("nan")


@dataclass(frozen=True)
class Folders:
    """Where a run's jobs left what they measured, ``<stage>/<path of the job>``."""

    benchmarks: Path  # Snakemake's .tsv
    logs: Path  # the stages' .log

    def __post_init__(self) -> None:
        for folder in (self.benchmarks, self.logs):
            if not folder.is_dir():
                expected = "Snakemake's files of the run"
                raise TrajpromptError(folder, "no such folder", expected)


@dataclass(frozen=True)
class Used:
    """By one job; NaN for what is not known, such as of jobs run by hand."""

    wall: float  # seconds
    cpu: float  # seconds
    memory: float  # peak, MiB


def job_of(path: str | Path, stage: str) -> Path:
    """``<stage>/…`` of the job that made ``path``; a suite's store is its only file."""
    parts = Path(path).parts
    if stage not in parts:
        raise TrajpromptError(path, "not a file of the run", f"a path through {stage}/")
    own = Path(*parts[len(parts) - 1 - parts[::-1].index(stage) :])
    return own.parent if stage == "1_collect" else own.with_suffix("")


def used_by(job: Path, folders: Folders) -> Used:
    """What one job measured."""
    benchmark = folders.benchmarks / f"{job}.tsv"
    log = folders.logs / f"{job}.log"
    text = log.read_text(errors="replace") if log.is_file() else ""
    if RESUMED in text:  # both files tell of the last of its processes only
        return Used(UNKNOWN, UNKNOWN, UNKNOWN)
    wall = _wall_seconds(benchmark) if benchmark.is_file() else UNKNOWN
    return Used(wall, *_printed(text))


def _wall_seconds(path: Path) -> float:
    table = read_table(path, "snakemake", ["s"], sep="\t", na_values=["-", "NA"])
    try:
        return float(table["s"].iloc[-1])
    except ValueError as error:
        raise TrajpromptError(path, f"s = {table['s'].iloc[-1]}", "seconds") from error


def _printed(log: str) -> tuple[float, float]:
    """CPU seconds and MiB that the job printed last; progress may share a line by \\r."""
    for line in reversed(log.splitlines()):
        if found := USED.fullmatch(line.strip()):
            return float(found[1]), float(found[2])
    return UNKNOWN, UNKNOWN
