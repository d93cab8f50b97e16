"""The one kind of error that a user is meant to read."""

import sys
from collections.abc import Callable, Sequence


class TrajpromptError(Exception):
    """Bad input, named in full: where, what was found, what was expected, what to do."""

    def __init__(self, where: object, found: str, expected: str = "", remedy: str = ""):
        parts = [f"{where}: {found}"]
        if expected:
            parts.append(f"expected {expected}")
        if remedy:
            parts.append(remedy)
        super().__init__("; ".join(parts))


def run_stage(main: Callable[[Sequence[str] | None], None]) -> int:
    """Run a stage's ``main``; turn a TrajpromptError into one line and exit code 2."""
    try:
        main(None)
    except TrajpromptError as error:
        print(f"trajprompt: error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        where, what = error.filename or "disk", error.strerror or error
        print(f"trajprompt: error: {where}: {what}", file=sys.stderr)
        return 2
    return 0
