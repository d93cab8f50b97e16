"""Files to import: what must hold before a reader opens one."""

from pathlib import Path

from trajprompt.errors import TrajpromptError


def require_source(path: Path) -> None:
    """Raise unless ``path`` is a file with something in it."""
    if not path.is_file() or path.stat().st_size == 0:
        found = "an empty file" if path.is_file() else "no such file"
        raise TrajpromptError(path, found, "a file to import")
