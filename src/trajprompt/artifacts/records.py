"""The record of a job, beside what it made: settings, versions, hashes of its files.

``seed0.csv`` comes with ``seed0.provenance.json``. Inputs have records too, so that the
chain leads from any file to the first.
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
REPORT_RECORD = "record.json"  # of all of a run's report, in its folder
LARGEST = 64 * 2**20  # bytes; the record of the largest run is below one of these 64
PARSED = ("settings", "libraries", "inputs")  # JSON among the attributes of an artifact
REMEDY = "run `snakemake` for the file that it belongs to"


@dataclass(frozen=True)
class Record:
    path: Path
    stage: str
    settings: dict[str, Any]  # of the job; of the report, the whole configuration
    inputs: dict[str, str]  # path, as the job was given it -> hash
    outputs: dict[str, str]  # path relative to the record -> hash
    versions: dict[str, Any]  # of trajprompt, its source and the libraries

    def hash_of(self, file: Path) -> str | None:
        """The hash that ``file`` had when the job wrote it; None if the job did not."""
        return self.outputs.get(os.path.relpath(file, self.path.parent))


def record_path(output: str | Path) -> Path:
    """Where the record of the job lies that made ``output`` as its first file."""
    return Path(output).with_suffix(SUFFIX)


def write_record(attributes: Mapping[str, Any], *outputs: str | Path) -> None:
    """Record a job whose ``outputs`` are written, from their `provenance` attributes."""
    path = record_path(outputs[0])
    write_text(path, record_text(attributes, path, *outputs))


def record_text(attributes: Mapping[str, Any], path: Path, *outputs: str | Path) -> str:
    """A record as JSON; equal work gives equal text."""
    record = {name: json.loads(attributes[name]) for name in PARSED}
    record |= {
        name: attributes[name]
        for name in ("schema_version", "stage", "trajprompt", "commit")
    }
    record["outputs"] = {
        os.path.relpath(output, path.parent): file_hash(output) for output in outputs
    }
    return json.dumps(record, indent=1, sort_keys=True) + "\n"


def read_record(path: str | Path) -> Record:
    """A job's record, or the report's; damage is a TrajpromptError."""
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
    """The record of the job that made ``file``: beside it, or the report's above it."""
    for path in (record_path(file), *(up / REPORT_RECORD for up in file.parents[:2])):
        if path.is_file():
            record = read_record(path)
            if record.hash_of(file) is not None:
                return record
    return None


def _hashes(values: Any) -> dict[str, str]:
    if not all(isinstance(value, str) for value in values.values()):
        raise ValueError("hashes that are not text")
    return dict(values)
