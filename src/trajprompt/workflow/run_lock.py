"""One Snakemake per run: a second one is refused, a killed one leaves no lock behind.

Snakemake's own locks are files, which outlive a killed process and then refuse every
later run. The lock of a run is the kernel's (flock): it ends with the process that has it.
"""

import contextlib
import fcntl
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trajprompt.errors import TrajpromptError

FOLDER = Path(".snakemake")


@contextlib.contextmanager
def hold(run: str, folder: Path) -> Iterator[None]:
    """Hold the lock of ``run``; TrajpromptError if another living process has it."""
    folder.mkdir(exist_ok=True)
    # Python's files are closed on exec: jobs do not hold the lock.
    with (folder / f"trajprompt-{run}.lock").open("a+") as file:
        if not _lock(file.fileno(), run, _holder(file)):
            yield
            return
        _forget_killed(folder / "locks", run, _holder(file))
        _write(file, f"{os.getpid()} on {socket.gethostname()}")
        try:
            yield
        finally:
            _write(file, "")


def _lock(handle: int, run: str, holder: str) -> bool:
    """Whether the lock could be had; False where the file system knows no locks."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise TrajpromptError(
            f"run '{run}'",
            f"in use by process {holder}" if holder else "in use",
            "one Snakemake per run",
            "wait for it, stop it, or give another name to `run` in the config",
        ) from error
    except OSError:
        return False
    return True


def _forget_killed(locks: Path, run: str, holder: str) -> None:
    """Remove Snakemake's locks on the run's files if their process was killed here.

    ``holder`` is empty if the last one ended by itself. Of another host's process nobody
    here knows whether it lives: not every file system passes the kernel's locks on.
    """
    stale = [path for path in locks.glob("*.lock") if _names_files_of(path, run)]
    if not stale or not holder:
        return
    if not holder.endswith(f" on {socket.gethostname()}"):
        raise TrajpromptError(
            f"run '{run}'",
            f"locked by process {holder}, another host",
            "",
            "if it is gone, run `snakemake --unlock` and then the same command again",
        )
    for path in stale:
        path.unlink(missing_ok=True)
    print(f"run '{run}': removed the locks of process {holder}, killed", file=sys.stderr)


def _names_files_of(lock: Path, run: str) -> bool:
    """Whether one of Snakemake's lock files, a path a line, is about the run's results."""
    prefix = f"results/{run}/"
    return any(line.startswith(prefix) for line in lock.read_text().splitlines())


def _holder(file: Any) -> str:
    """``<pid> on <host>`` of the process that has the lock or was killed having it."""
    file.seek(0)
    return file.read().strip()


def _write(file: Any, text: str) -> None:
    file.truncate(0)
    file.write(text)
    file.flush()
    os.fsync(file.fileno())
