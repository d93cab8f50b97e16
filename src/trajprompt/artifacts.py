"""Whole files or none: temporary name beside the target, then rename."""

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from trajprompt.errors import TrajpromptError


@contextlib.contextmanager
def atomic_path(target: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``target``; rename it there if the block succeeds.

    A reader never sees a partial file. The temporary file is removed on any error.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.stem}.{os.getpid()}.part{target.suffix}")
    try:
        yield temporary
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(target: str | Path, text: str) -> None:
    """Write a text file whole."""
    with atomic_path(target) as path:
        path.write_text(text)


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
