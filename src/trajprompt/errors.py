"""The one kind of error that a user is meant to read."""

import os
import resource
import signal
import sys
from collections.abc import Callable, Sequence

LONGEST = 2000  # characters of a message


class TrajpromptError(Exception):
    """Bad input, named in full: where, what was found, what was expected, what to do."""

    def __init__(self, where: object, found: str, expected: str = "", remedy: str = ""):
        self.where, self.found, self.expected = where, found, expected
        parts = [f"{where}: {found}"]
        if expected:
            parts.append(f"expected {expected}")
        if remedy:
            parts.append(remedy)
        super().__init__(one_line("; ".join(parts)))


def one_line(text: str) -> str:
    """Text as a terminal can show it: damaged files put anything into messages."""
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]} …"
    return "".join(
        c if c.isprintable() else " " if c.isspace() else f"\\x{ord(c):02x}" for c in text
    )


class Interrupted(Exception):
    """A signal asked a long loop to stop, and it saved where it was."""

    def __init__(self, number: int, label: str, done: int, total: int, checkpoint: object):
        self.exit_code = 128 + number  # as the shell counts a process that a signal ended
        name = signal.Signals(number).name
        super().__init__(
            f"{label}: stopped by {name} after step {done} of {total}; the same command"
            f" goes on from {checkpoint}"
        )


def run_stage(main: Callable[[Sequence[str] | None], None], usage: bool = False) -> int:
    """Run a stage's ``main``; turn a TrajpromptError into one line and exit code 2.

    Numerical libraries get one thread each, as in the workflow, so that a stage gives the
    same bits by hand. ``usage`` prints what the process used, for the compute table.
    """
    from trajprompt.processes import stop_with_parent

    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        stop_with_parent()
        main(None)
    except TrajpromptError as error:
        print(f"trajprompt: error: {error}", file=sys.stderr)
        return 2
    except Interrupted as stop:
        print(f"trajprompt: {stop}", file=sys.stderr)
        return stop.exit_code
    except KeyboardInterrupt:
        print("trajprompt: stopped", file=sys.stderr)
        return 130
    except OSError as error:
        where, what = error.filename or "disk", error.strerror or error
        print(f"trajprompt: error: {where}: {what}", file=sys.stderr)
        return 2
    if usage:
        _print_usage()
    return 0


def _print_usage() -> None:
    """CPU time, wall time and peak memory of this process, which report/jobs.py reads."""
    from trajprompt.processes import age

    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds, peak = used.ru_utime + used.ru_stime, used.ru_maxrss // 1024
    print(f"used: {seconds:.1f} CPU-s, {age():.1f} s, {peak} MiB peak", file=sys.stderr)
