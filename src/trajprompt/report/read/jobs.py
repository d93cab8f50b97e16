"""What the jobs of a run measured: wall time, CPU time and memory of each."""

from dataclasses import dataclass
from pathlib import Path

from trajprompt.artifacts.resources import read_resources
from trajprompt.errors import TrajpromptError


@dataclass(frozen=True)
class Used:
    """By one job; NaN for what is not known, such as of jobs that were resumed."""

    wall: float  # seconds
    cpu: float  # seconds
    memory: float  # peak, MiB


UNKNOWN = Used(*[float("nan")] * 3)


def cell_of(path: str | Path, stage: str) -> tuple[str, ...]:
    """Suite, condition, method of ``…/<stage>/<suite>/<condition>/<method>/seed<n>.*``."""
    folders = Path(path).parts[-5:-1]
    if not folders or folders[0] != stage:
        raise TrajpromptError(path, "not a file of the run", f"a path through {stage}/")
    return folders[1:]


def used_by(path: str | Path) -> Used:
    """What the job that made ``path`` measured."""
    found = read_resources(path)
    if found is None or found.resumed_from is not None:  # of the last process only
        return UNKNOWN
    return Used(found.wall_s, found.cpu_s, found.peak_mib)
