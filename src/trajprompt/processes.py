"""Processes: check if one is alive, measure age, end together with the workflow."""

import os
import signal
import sys
import time
from pathlib import Path

from trajprompt.errors import TrajpromptError

# Set by workflow/rules/common.smk: "<job>:<parent>", the process ids of the job (the shell
# that becomes the job by `exec`) and of the Snakemake that started it.
PARENT = "TRAJPROMPT_STOP_WITH_PARENT"
PR_SET_PDEATHSIG = 1  # linux/prctl.h
IMPORTED = time.monotonic()  # early: commands.process imports this module first


def is_alive(pid: int) -> bool:
    """True if the process exists on this machine and is not a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):  # another user's; not a process id
        return True
    try:
        return _state(pid)[0] != "Z"
    except OSError:  # not Linux
        return True


def age() -> float:
    """Wall seconds since this process started, including the interpreter's start."""
    try:
        ticks = int(_state("self")[19])  # starttime of proc(5), since the boot
    except OSError:  # not Linux: without the interpreter's start
        return time.monotonic() - IMPORTED
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")


def _state(pid: int | str) -> list[str]:
    """Fields of /proc/<pid>/stat after the program's name, which may contain spaces."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def stop_with_parent() -> None:
    """Make the kernel send SIGTERM to this job when its Snakemake dies.

    A killed Snakemake then leaves no job that a resumed run would race with; long loops
    write a checkpoint on that signal. Does nothing outside a workflow or outside Linux.
    Raises TrajpromptError if the parent is already gone.
    """
    # Removed from the environment, so that child processes do not inherit it.
    job, _, parent = os.environ.pop(PARENT, "").partition(":")
    if job != str(os.getpid()) or not _set_death_signal(signal.SIGTERM):
        return
    if parent != str(os.getppid()):  # it died before the signal was set
        raise TrajpromptError(
            PARENT,
            f"process {parent} is gone",
            "a running Snakemake",
            "run `snakemake` again",
        )


def _set_death_signal(number: int) -> bool:
    if sys.platform != "linux":
        return False
    import ctypes

    return ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number, 0, 0, 0) == 0
