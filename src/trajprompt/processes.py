"""Other processes of this machine: whether one lives, and not to outlive the workflow."""

import os
import signal
import sys
from pathlib import Path

from trajprompt.errors import TrajpromptError

# Set by workflow/rules/common.smk: process ids of the job, as the shell that becomes it by
# `exec`, and of the Snakemake that started it.
PARENT = "TRAJPROMPT_STOP_WITH_PARENT"
PR_SET_PDEATHSIG = 1  # linux/prctl.h


def is_alive(pid: int) -> bool:
    """Whether a process of this number works here; one that nobody waited for does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):  # another user's; no number of a process
        return True
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:  # not Linux
        return True
    return status.rpartition(")")[2].split()[0] != "Z"


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
