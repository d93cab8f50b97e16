"""Lock of a run: a second Snakemake is refused, a killed one leaves no lock behind.

Snakemake's locks are files: they outlive a killed process and then block every later run.
The lock of a run is a lock of the kernel (flock), which ends with its process.
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
    """Hold the lock of ``run``; TrajpromptError if another live process holds it."""
    folder.mkdir(exist_ok=True)
    # Python closes its files on exec, so jobs do not inherit the lock.
    with (folder / f"trajprompt-{run}.lock").open("a+") as file:
        if not _lock(file.fileno(), run, _holder(file)):
            yield
            return
        _remove_locks_of_killed(folder / "locks", run, _holder(file))
        _write(file, f"{os.getpid()} on {socket.gethostname()}")
        try:
            yield
        finally:
            _write(file, "")


def _lock(handle: int, run: str, holder: str) -> bool:
    """True if the lock was taken, False if the file system does not support locks.

    Raises TrajpromptError if another process holds it.
    """
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


def _remove_locks_of_killed(locks: Path, run: str, holder: str) -> None:
    """Remove Snakemake's locks on the run's files if their process was killed on this host.

    ``holder`` is empty if the last process ended normally. A process on another host may
    still be alive, since not every file system shares locks: then TrajpromptError.
    """
    stale = [path for path in locks.glob("*.lock") if _names_files_of(path, run)]
    if not stale or not holder:
        return
    if not holder.endswith(f" on {socket.gethostname()}"):
        raise TrajpromptError(
            f"run '{run}'",
            f"locked by process {holder}, on another host",
            "no lock of another host",
            "if it has ended, run `snakemake --unlock` and then the same command again",
        )
    for path in stale:
        path.unlink(missing_ok=True)
    print(f"run '{run}': removed the locks of killed process {holder}", file=sys.stderr)


def _names_files_of(lock: Path, run: str) -> bool:
    """True if a lock file of Snakemake, one path per line, names results of the run."""
    prefix = f"results/{run}/"
    return any(line.startswith(prefix) for line in lock.read_text().splitlines())


def _holder(file: Any) -> str:
    """``<pid> on <host>`` of the process that holds the lock, or was killed holding it."""
    file.seek(0)
    return file.read().strip()


def _write(file: Any, text: str) -> None:
    file.truncate(0)
    file.write(text)
    file.flush()
    os.fsync(file.fileno())
