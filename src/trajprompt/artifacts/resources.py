"""Resources used by a job: CPU time, wall time, memory, and whether it resumed.

The resources of ``seed0.csv`` are in ``seed0.resources.json``. The record of the job is a
separate file (artifacts/records.py), because equal work gives equal records but different
times. Snakemake's ``benchmark:`` is not used: it needs part of a core and samples too
rarely. Its CPU times and memory were off by a factor of two for short jobs.
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
LARGEST_FILE, LARGEST_VALUE = 2**16, 1e12  # bytes; seconds or MiB, beyond any job
REMEDY = "remove it; the job then counts as not measured"


@dataclass(frozen=True)
class Resources:
    """Resources of the process that finished the job, from the start of the process.

    For a process that the job server forked: its memory includes the libraries, which it
    shares with the server; the time before, 0.03 s in its client, is not included.
    """

    cpu_s: float
    wall_s: float
    peak_mib: int  # of resident memory
    # Number of steps done by earlier processes; None if the process did all steps.
    resumed_from: int | None


def resources_path(output: str | Path) -> Path:
    """Path of the resources of the job whose first output is ``output``."""
    return Path(output).with_suffix(SUFFIX)


def write_resources(
    output: str | Path, resumed_from: int | None = None, outputs: int = 1
) -> None:
    """Write the resources used by this process so far; the last action of a job.

    Each of the ``outputs`` of a job for several seeds gets an equal share of its times.
    """
    usage = resource.getrusage(resource.RUSAGE_SELF)
    cpu = round((usage.ru_utime + usage.ru_stime) / outputs, 1)
    wall = round(age() / outputs, 1)
    used = Resources(cpu, wall, usage.ru_maxrss // 1024, resumed_from)
    text = json.dumps(dataclasses.asdict(used), indent=1) + "\n"
    write_text(resources_path(output), text)


def read_resources(output: str | Path) -> Resources | None:
    """Resources of the job whose first output is ``output``; None if not measured."""
    path = resources_path(output)
    if not path.is_file():
        return None
    with path.open("rb") as file:
        values = json_object(file.read(LARGEST_FILE), path, REMEDY)
    names = [field.name for field in dataclasses.fields(Resources)]
    if list(values) != names or not all(map(_is_valid, names, values.values())):
        expected = f"the keys {', '.join(names)}, each a number of at least 0"
        raise TrajpromptError(path, f"found {json.dumps(values)}", expected, REMEDY)
    return Resources(**values)


def _is_valid(name: str, value: Any) -> bool:
    kinds = (int, float) if name in ("cpu_s", "wall_s") else (int,)
    if value is None:
        return name == "resumed_from"
    return type(value) in kinds and 0 <= value < LARGEST_VALUE
