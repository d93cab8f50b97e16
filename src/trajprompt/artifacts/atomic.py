"""Whole files or none: temporary name beside the target, then rename."""

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
_PATH = "choose another path"
# What can be wrong with a disk or a path, and what to do about it.
REMEDIES = {
    errno.ENOSPC: _SPACE,
    errno.EDQUOT: _SPACE,
    errno.EFBIG: "raise the limit on the size of files (`ulimit -f`)",
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

    A reader never sees a partial file, a power cut leaves the old file or the new one.
    The temporary file is removed on any error; that of a killed process by the next
    writer. Trouble with the disk becomes a TrajpromptError naming ``target``, whichever
    library met it.
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
            with contextlib.suppress(OSError):  # some file systems cannot, for folders
                _sync(target.parent)
    finally:
        with contextlib.suppress(OSError):  # it would hide the error that led here
            temporary.unlink(missing_ok=True)


def remove_stale(target: Path) -> None:
    """Remove the temporary files of ``target`` that killed processes left.

    One that belongs to a living process of this host stays. Other hosts' processes cannot
    be asked; should one still be at work, it fails and harms nothing.
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
    """The first label of this host's name: without dots, as `remove_stale` wants it."""
    return socket.gethostname().partition(".")[0] or "localhost"


def _sync(path: Path) -> None:
    """Have the disk itself hold a file, or a folder's names."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def disk_errors(target: Path) -> Iterator[None]:
    """Errors of a disk as TrajpromptErrors naming ``target``, with a remedy.

    HDF5, safetensors and ffmpeg raise errors of their own kinds, but quote the system's.
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
                raise TrajpromptError(target, found, remedy=remedy) from error
        raise


def write_text(target: str | Path, text: str) -> None:
    """Write a text file whole."""
    with atomic_path(target) as path:
        path.write_text(text, encoding="utf-8")


def file_hash(path: str | Path) -> str:
    """The first 16 hexadecimal digits of the file's SHA-256."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()[:16]


def require_file(path: str | Path, made_by: str) -> Path:
    """``path`` if it is a non-empty file, else an error naming the stage that makes it."""
    path = Path(path)
    if not path.is_file() or path.stat().st_size == 0:
        raise TrajpromptError(
            path, "missing or empty file", "a whole artifact", f"run `{made_by}`"
        )
    return path
