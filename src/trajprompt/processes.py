"""Processes: whether one lives, how long this one has, not to outlive the workflow."""

import os
import signal
import sys
import time
from pathlib import Path

from trajprompt.errors import TrajpromptError

# Set by workflow/rules/common.smk: process ids of the job, as the shell that becomes it by
# `exec`, and of the Snakemake that started it.
PARENT = "TRAJPROMPT_STOP_WITH_PARENT"
PR_SET_PDEATHSIG = 1  # linux/prctl.h
IMPORTED = time.monotonic()  # first of all by commands.process.run_stage


def is_alive(pid: int) -> bool:
    """Whether a process of this number works here; one that nobody waited for does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):  # another user's; no number of a process
        return True
    try:
        return _state(pid)[0] != "Z"
    except OSError:  # not Linux
        return True


def age() -> float:
    """Wall seconds since this process started, its imports and their start among them."""
    try:
        ticks = int(_state("self")[19])  # since the machine started: starttime, proc(5)
    except OSError:  # not Linux: all but the interpreter's own start
        return time.monotonic() - IMPORTED
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")


def _state(pid: int | str) -> list[str]:
    """What /proc/<pid>/stat says after the program's name, which may hold anything."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def stop_with_parent() -> None:
    """Ask the kernel for a SIGTERM when the parent that the environment names dies.

    So killing Snakemake leaves no job behind that a resumed run would race with; long
    loops write a checkpoint on that signal. By hand, or outside of Linux, nothing happens.
    """
    own, _, parent = os.environ.pop(PARENT, "").partition(":")  # not for our own children
    if own != str(os.getpid()) or not _ask_for(signal.SIGTERM):
        return
    if parent != str(os.getppid()):  # it died before we asked
        raise TrajpromptError(
            PARENT, f"process {parent} is gone", remedy="run `snakemake` again"
        )


def _ask_for(number: int) -> bool:
    if sys.platform != "linux":
        return False
    import ctypes

    return ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number, 0, 0, 0) == 0
