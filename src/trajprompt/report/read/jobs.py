"""What the jobs of a run measured: wall time, CPU time and memory of each.

Every stage prints its own at the end of its log, see ``commands/process.py``. Snakemake's
measurements (``benchmark:``) would cost a part of a core all along, and sample a running
job too rarely: its CPU times and memory were a factor of two off for short ones.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from trajprompt.artifacts.checkpoint import RESUMED
from trajprompt.errors import TrajpromptError

USED = re.compile(r"used: (\d+\.\d) CPU-s, (\d+\.\d) s, (\d+) MiB peak")


@dataclass(frozen=True)
class Used:
    """By one job; NaN for what is not known, such as of jobs run by hand."""

    wall: float  # seconds
    cpu: float  # seconds
    memory: float  # peak, MiB


UNKNOWN = Used(*[float("nan")] * 3)


def job_of(path: str | Path, stage: str) -> Path:
    """``<stage>/…`` of the job that made ``path``; a suite's store is its only file."""
    parts = Path(path).parts
    if stage not in parts:
        raise TrajpromptError(path, "not a file of the run", f"a path through {stage}/")
    own = Path(*parts[len(parts) - 1 - parts[::-1].index(stage) :])
    return own.parent if stage == "1_collect" else own.with_suffix("")


def used_by(job: Path, logs: Path) -> Used:
    """What one job measured; ``logs`` is the run's folder, with ``<job>.log`` in it."""
    log = logs / f"{job}.log"
    if log.is_file():
        return _printed(log.read_text(errors="replace"))
    if not logs.is_dir():
        raise TrajpromptError(logs, "no such folder", "the logs of the run")
    return UNKNOWN


def _printed(log: str) -> Used:
    """What the job printed last; progress may share a line by \\r."""
    if RESUMED in log:  # it tells of the last of its processes only
        return UNKNOWN
    for line in reversed(log.splitlines()):
        if found := USED.fullmatch(line.strip()):
            cpu, wall, memory = map(float, found.groups())
            return Used(wall, cpu, memory)
    return UNKNOWN
