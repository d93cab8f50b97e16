"""Provenance of an artifact: attributes recorded in every file that a stage writes."""

import functools
import hashlib
import importlib.metadata
import json
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from trajprompt import __version__
from trajprompt.artifacts.atomic import file_hash

PACKAGE = Path(__file__).parents[1]
SCHEMA_VERSION = 1
LIBRARIES = ("numpy", "torch", "gymnasium", "mujoco", "metaworld", "h5py", "openvino")


def provenance(
    stage: str, settings: Mapping[str, Any], inputs: Iterable[str | Path] = ()
) -> dict[str, str]:
    """Attributes of an artifact of ``stage``: versions, commit, settings, input hashes.

    All values are strings (JSON if structured), as safetensors metadata require. There
    are no time stamps, because equal work must give equal bytes.
    """
    return {
        "schema_version": str(SCHEMA_VERSION),
        "stage": stage,
        "trajprompt": __version__,
        "commit": git_commit(),
        "settings": json.dumps(settings, sort_keys=True),
        "libraries": json.dumps({name: _version(name) for name in LIBRARIES}),
        "inputs": json.dumps(
            {str(path): file_hash(path) for path in inputs}, sort_keys=True
        ),
    }


@functools.cache
def git_commit() -> str:
    """Commit of the source tree, with ``-dirty`` if it was edited; or ``unknown``."""
    command = ["git", "-C", str(PACKAGE), "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return done.stdout.strip() or "unknown"


@functools.cache
def source_hash() -> str:
    """Hash of the package's code and goals (.csv files), committed or not."""
    digest = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.*")):
        if path.suffix in (".py", ".csv"):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _version(library: str) -> str:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return "absent"
