"""What a job used, beside what it made: CPU time, wall time, memory, whether it resumed.

``seed0.csv`` comes with ``seed0.resources.json``. The record of the job is another file
(artifacts/records.py), because equal work gives equal records, but never equal times.
Snakemake's measurements (``benchmark:``) would cost a part of a core all along, and sample
a running job too rarely: its CPU times and memory were a factor of two off for short ones.
"""

import dataclasses
import json
import resource
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trajprompt.artifacts.atomic import write_text
from trajprompt.errors import TrajpromptError
from trajprompt.processes import age
from trajprompt.settings.parsing import json_object

SUFFIX = ".resources.json"
LARGEST_FILE, LARGEST_VALUE = 2**16, 1e12  # bytes; far beyond seconds or MiB of any job
REMEDY = "remove it, then the job counts as not measured"


@dataclass(frozen=True)
class Resources:
    """Used by the process that finished the job, its imports and their start included."""

    cpu_s: float
    wall_s: float
    peak_mib: int  # of resident memory
    # The step of its checkpoint that the process began with; None if it did all steps.
    resumed_from: int | None


def resources_path(output: str | Path) -> Path:
    """Path of the resources of the job that made ``output`` as its first file."""
    return Path(output).with_suffix(SUFFIX)


def write_resources(output: str | Path, resumed_from: int | None = None) -> None:
    """Write what this process has used so far; the last thing that a job does."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    cpu = round(usage.ru_utime + usage.ru_stime, 1)
    used = Resources(cpu, round(age(), 1), usage.ru_maxrss // 1024, resumed_from)
    text = json.dumps(dataclasses.asdict(used), indent=1) + "\n"
    write_text(resources_path(output), text)


def read_resources(output: str | Path) -> Resources | None:
    """Resources of the job that made ``output``; None if none were written."""
    path = resources_path(output)
    if not path.is_file():
        return None
    with path.open("rb") as file:
        values = json_object(file.read(LARGEST_FILE), path, REMEDY)
    names = [field.name for field in dataclasses.fields(Resources)]
    if list(values) != names or not all(map(_is_valid, names, values.values())):
        expected = f"{', '.join(names)}, numbers of at least 0"
        raise TrajpromptError(path, json.dumps(values), expected, REMEDY)
    return Resources(**values)


def _is_valid(name: str, value: Any) -> bool:
    kinds = (int, float) if name in ("cpu_s", "wall_s") else (int,)
    if value is None:
        return name == "resumed_from"
    return type(value) in kinds and 0 <= value < LARGEST_VALUE
