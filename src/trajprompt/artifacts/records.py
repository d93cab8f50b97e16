"""Record of a job, beside its outputs: settings, versions, hashes of its files.

The record of ``seed0.csv`` is ``seed0.provenance.json``. Inputs have records too, so every
file can be traced back to the first stage.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trajprompt.artifacts.atomic import file_hash, write_text
from trajprompt.errors import TrajpromptError
from trajprompt.settings.parsing import json_object

SUFFIX = ".provenance.json"
REPORT_RECORD = "record.json"  # of a run's report, in the run's folder
LARGEST = 64 * 2**20  # bytes; the record of the largest run has less than 1 MiB
PARSED = ("settings", "libraries", "inputs")  # attributes that are JSON
# Precision and engine that were used; settings may have auto, or a GPU another engine.
USED = ("precision", "engine")
TEXTS = ("schema_version", "stage", "trajprompt", "commit", *USED)
REMEDY = "run `snakemake` for the file that this record describes"


@dataclass(frozen=True)
class Record:
    path: Path
    stage: str
    settings: dict[str, Any]  # of the job; for the report, the configuration of the run
    inputs: dict[str, str]  # path as given to the job -> hash
    outputs: dict[str, str]  # path relative to the record -> hash
    versions: dict[str, Any]  # trajprompt, its commit and libraries

    def hash_of(self, file: Path) -> str | None:
        """Hash of ``file`` when the job wrote it; None if it is not the job's output."""
        return self.outputs.get(os.path.relpath(file, self.path.parent))


def record_path(output: str | Path) -> Path:
    """Path of the record of the job whose first output is ``output``."""
    return Path(output).with_suffix(SUFFIX)


def write_record(attributes: Mapping[str, Any], *outputs: str | Path) -> None:
    """Write the record of a job, whose ``outputs`` must exist.

    ``attributes`` are the outputs' attributes from `provenance`.
    """
    path = record_path(outputs[0])
    write_text(path, record_text(attributes, path, *outputs))


def record_text(attributes: Mapping[str, Any], path: Path, *outputs: str | Path) -> str:
    """Record as JSON text; equal work gives equal text."""
    record = {name: json.loads(attributes[name]) for name in PARSED}
    record |= {name: attributes[name] for name in TEXTS if name in attributes}
    record["outputs"] = {
        os.path.relpath(output, path.parent): file_hash(output) for output in outputs
    }
    return json.dumps(record, indent=1, sort_keys=True) + "\n"


def read_record(path: str | Path) -> Record:
    """Read the record of a job or of the report; raises TrajpromptError if damaged."""
    path = Path(path)
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError(f"{path.stat().st_size} bytes")
        values = json_object(path.read_bytes(), path, REMEDY)
        settings = values["config"] if "config" in values else values["settings"]
        return Record(
            path,
            str(values["stage"]),
            dict(settings),
            _hashes(values["inputs"]),
            _hashes(values["outputs"]),
            {n: values.get(n) for n in ("trajprompt", "commit", "libraries")},
        )
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        found = f"damaged ({type(error).__name__}: {error})"
        raise TrajpromptError(path, found, "the record of a job", REMEDY) from error


def find_record(file: Path) -> Record | None:
    """Record of the job, or else of the report, that made ``file``; None if missing."""
    for path in (record_path(file), *(up / REPORT_RECORD for up in file.parents[:2])):
        if path.is_file():
            record = read_record(path)
            if record.hash_of(file) is not None:
                return record
    return None


def _hashes(values: Any) -> dict[str, str]:
    if not all(isinstance(value, str) for value in values.values()):
        raise ValueError("a hash that is not a string")
    return dict(values)
