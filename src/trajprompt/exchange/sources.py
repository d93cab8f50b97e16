"""Checks of files to import, before a reader opens them."""

from pathlib import Path

from trajprompt.errors import TrajpromptError


def require_source(path: Path) -> None:
    """Raise TrajpromptError unless ``path`` is a non-empty file."""
    if not path.is_file() or path.stat().st_size == 0:
        found = "found an empty file" if path.is_file() else "no such file"
        raise TrajpromptError(path, found, "a file to import", "correct the path")


def single_file(path: Path) -> tuple[Path, ...]:
    """Files of a source that is one file; TrajpromptError if there is none."""
    require_source(path)
    return (path,)
