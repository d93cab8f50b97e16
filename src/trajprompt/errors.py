"""The one kind of error that a user is meant to read."""

import os
import resource
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


def run_stage(main: Callable[[Sequence[str] | None], None], usage: bool = False) -> int:
    """Run a stage's ``main``; turn a TrajpromptError into one line and exit code 2.

    Numerical libraries get one thread each, as in the workflow, so that a stage gives the
    same bits by hand. ``usage`` prints what the process used, for the compute table.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        main(None)
    except TrajpromptError as error:
        print(f"trajprompt: error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        where, what = error.filename or "disk", error.strerror or error
        print(f"trajprompt: error: {where}: {what}", file=sys.stderr)
        return 2
    if usage:
        _print_usage()
    return 0


def _print_usage() -> None:
    """CPU time and peak memory of this process; Snakemake samples both too rarely."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds, peak = used.ru_utime + used.ru_stime, used.ru_maxrss // 1024
    print(f"used: {seconds:.1f} CPU-s, {peak} MiB peak", file=sys.stderr)
