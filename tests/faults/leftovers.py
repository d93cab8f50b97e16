"""Checks of a resumed run: different files, unreadable files, leftovers."""

import json
from pathlib import Path

import psutil

from trajprompt.artifacts.resources import SUFFIX
from trajprompt.commands.inspect import describe
from trajprompt.errors import TrajpromptError
from trajprompt.verification.chain import WHOLE, classify_files

# Measured times; they also differ if a job resumed from a checkpoint.
TIMES = ("compute.csv", "compute_cells.csv", "compute.md", "compute.html")
RECORD = "record.json"  # contains their hashes
READABLE = (".h5", ".safetensors", ".csv")


def differences(reference: Path, results: Path) -> list[str]:
    """Files in one folder only, or with different bytes; measured times are ignored."""
    expected, found = _files(reference), _files(results)
    different = sorted(expected.keys() ^ found.keys())
    different += [
        name
        for name in sorted(expected.keys() & found.keys())
        if _comparable(expected[name]) != _comparable(found[name])
    ]
    return different


def unreadable(results: Path) -> list[str]:
    """Files that their readers reject, or that `trajprompt verify` does not call whole."""
    wrong = [f"{f.file}: {f.status}" for f in classify_files(results) if f.status != WHOLE]
    for name, path in _files(results).items():
        if path.suffix in READABLE:
            try:
                describe(path)
            except TrajpromptError as error:
                wrong.append(f"{name}: {error}")
    return wrong


def leftovers(folder: Path) -> list[str]:
    """Temporary files, checkpoints, locks, and processes that still run in ``folder``."""
    patterns = ("**/.*.part*", "**/*.checkpoint.h5", ".snakemake/locks/*")
    left = [str(path) for pattern in patterns for path in folder.glob(pattern)]
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()) == folder:
                left.append(f"process {process.pid}: {' '.join(process.cmdline())}")
        except psutil.Error:
            continue
    return left


def _files(results: Path) -> dict[str, Path]:
    paths = (path for path in results.rglob("*") if path.is_file())
    named = {str(path.relative_to(results)): path for path in paths}
    return {
        name: path
        for name, path in named.items()
        if path.name not in TIMES and not name.endswith(SUFFIX)
    }


def _comparable(path: Path) -> object:
    """Bytes of a file; the report's record without the hashes of tables of times."""
    if path.name != RECORD:
        return path.read_bytes()
    record = json.loads(path.read_text())
    hashes = record["outputs"].items()
    return {
        **record,
        "outputs": {name: of for name, of in hashes if Path(name).name not in TIMES},
    }
