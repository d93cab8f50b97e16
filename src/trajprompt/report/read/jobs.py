"""Measured resources of the jobs of a run: wall time, CPU time and memory."""

from dataclasses import dataclass
from pathlib import Path

from trajprompt.artifacts.resources import read_resources
from trajprompt.errors import TrajpromptError


@dataclass(frozen=True)
class JobCost:
    """Resources of one job; NaN if unknown, as for resumed jobs."""

    wall: float  # seconds
    cpu: float  # seconds
    memory: float  # peak, MiB


UNKNOWN = JobCost(*[float("nan")] * 3)


def cell_of(path: str | Path, stage: str) -> tuple[str, ...]:
    """Suite, condition, method of ``…/<stage>/<suite>/<condition>/<method>/seed<n>.*``.

    Raises TrajpromptError for any other path.
    """
    folders = Path(path).parts[-5:-1]
    if not folders or folders[0] != stage:
        expected = f"a path through {stage}/, as the workflow writes it"
        remedy = "give the file in the folder of its run"
        raise TrajpromptError(path, "not a file of a run", expected, remedy)
    return folders[1:]


def job_cost(path: str | Path) -> JobCost:
    """Measured resources of the job that made ``path``."""
    found = read_resources(path)
    if found is None or found.resumed_from is not None:  # measures the last process only
        return UNKNOWN
    return JobCost(found.wall_s, found.cpu_s, found.peak_mib)
