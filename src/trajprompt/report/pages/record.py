"""Provenance of a report: configuration, code, libraries, machine and hashes."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trajprompt.artifacts.records import record_text


def run_record(
    attributes: Mapping[str, Any],
    path: Path,
    outputs: Sequence[Path],
    plan: Mapping[str, Any],
) -> str:
    """JSON record at ``path`` of a run, from its `provenance`, with hashes of all files.

    ``plan`` is the `plan_record` of the analysis, which was fixed before the run.

    Equal runs on equal machines give equal text, except the hashes of the files of
    ``compute``, which contain times.
    """
    record: dict[str, Any] = json.loads(record_text(attributes, path, *outputs))
    record["config"] = record.pop("settings")
    record["machine"], record["analysis"] = machine(), dict(plan)
    return json.dumps(record, indent=1, sort_keys=True) + "\n"


def machine() -> dict[str, Any]:
    """Machine on which the report was made."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(
            os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
        ),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "unknown"
