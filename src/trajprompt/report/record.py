"""What made a run's report: configuration, code, libraries, machine and input hashes."""

import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trajprompt.provenance import provenance


def run_record(config: dict[str, Any], evaluations: Sequence[Path]) -> str:
    """JSON text; equal runs on equal machines give equal text."""
    record: dict[str, Any] = dict(provenance("report", config, evaluations))
    for name in ("settings", "libraries", "inputs"):
        record[name] = json.loads(record[name])
    record["config"] = record.pop("settings")
    record["machine"] = {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(
            os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
        ),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }
    return json.dumps(record, indent=1, sort_keys=True) + "\n"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "unknown"
