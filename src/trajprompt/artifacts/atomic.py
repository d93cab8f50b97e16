"""Atomic writes: to a temporary file beside the target, which is then renamed."""

import contextlib
import errno
import hashlib
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path

from trajprompt.errors import TrajpromptError
from trajprompt.processes import is_alive

_SPACE = "free some space there, then run the same command again"
_WRITABLE = "make the folder writable or choose another, then run the same command again"
_PATH = "choose another path for the output"
# Remedy for each error of a disk or a path.
REMEDIES = {
    errno.ENOSPC: _SPACE,
    errno.EDQUOT: _SPACE,
    errno.EFBIG: "raise the limit on the size of files with `ulimit -f`",
    errno.EROFS: _WRITABLE,
    errno.EACCES: _WRITABLE,
    errno.EPERM: _WRITABLE,
    errno.EEXIST: _PATH,
    errno.ENOTDIR: _PATH,
    errno.EISDIR: _PATH,
}


@contextlib.contextmanager
def atomic_path(target: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``target``; rename it there if the block succeeds.

    A reader never sees a partial file, and a power cut leaves the old file or the new
    one. The temporary file is removed on any error. One left by a killed process is
    removed by the next writer. Raises TrajpromptError naming ``target`` for disk errors,
    whichever library reports them.
    """
    target = Path(target)
    temporary = _temporary(target)
    try:
        with disk_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            remove_stale(target)
            yield temporary
            _sync(temporary)
            os.replace(temporary, target)
            with contextlib.suppress(OSError):  # unsupported for folders on some systems
                _sync(target.parent)
    finally:
        with contextlib.suppress(OSError):  # keep the original error
            temporary.unlink(missing_ok=True)


def remove_stale(target: Path) -> None:
    """Remove temporary files of ``target`` that killed processes left behind.

    Files of running processes of this host are kept. Processes of other hosts cannot be
    checked: if one is still writing, it fails without damaging the target.
    """
    if not target.parent.is_dir():
        return
    stem, suffix = re.escape(target.stem), re.escape(target.suffix)
    name = re.compile(rf"\.{stem}\.([^.]+)\.(\d+)\.part{suffix}")
    for path in target.parent.iterdir():
        found = name.fullmatch(path.name)
        if found and not (found[1] == _host() and is_alive(int(found[2]))):
            path.unlink(missing_ok=True)


def _temporary(target: Path) -> Path:
    return target.with_name(f".{target.stem}.{_host()}.{os.getpid()}.part{target.suffix}")


def _host() -> str:
    """First label of the host name: `remove_stale` needs a name without dots."""
    return socket.gethostname().partition(".")[0] or "localhost"


def _sync(path: Path) -> None:
    """Flush a file, or the entries of a folder, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def disk_errors(target: Path) -> Iterator[None]:
    """Convert disk errors to TrajpromptErrors that name ``target`` and a remedy.

    HDF5, safetensors and ffmpeg raise their own error types, but quote the system's text.
    """
    try:
        yield
    except TrajpromptError:
        raise
    except Exception as error:
        for code, remedy in REMEDIES.items():
            text = os.strerror(code)
            if getattr(error, "errno", None) == code or text in str(error):
                found = f"cannot be written ({text})"
                expected = "a path that can be written"
                raise TrajpromptError(target, found, expected, remedy) from error
        raise


def write_text(target: str | Path, text: str) -> None:
    """Write a UTF-8 text file atomically."""
    with atomic_path(target) as path:
        path.write_text(text, encoding="utf-8")


def file_hash(path: str | Path) -> str:
    """First 16 hexadecimal digits of the file's SHA-256."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()[:16]


def require_file(path: str | Path, made_by: str) -> Path:
    """Return ``path``; raise TrajpromptError if the file is missing or empty.

    ``made_by`` is the command that makes the file, e.g. ``trajprompt tune``; empty if
    several commands make such files.
    """
    path = Path(path)
    if not path.is_file() or path.stat().st_size == 0:
        remedy = f"run `{made_by}` to make it, or correct the path"
        if not made_by:
            remedy = "correct the path, or run the command that makes this file"
        raise TrajpromptError(path, "missing or empty file", "a complete file", remedy)
    return path
