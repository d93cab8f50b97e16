"""The libraries of the job server, and the commands that may be forked from it."""

import contextlib
import gc
import importlib
import os
from collections.abc import Mapping

from trajprompt.job_server.protocol import Command, interpreter
from trajprompt.openvino import import_openvino, is_installed
from trajprompt.processes import PARENT

# Third-party modules of jobs that collect, pretrain, tune or evaluate. Their global random
# generators are in the same state in all jobs, which seed what they draw from.
LIBRARIES = (
    "torch",
    "numpy.random",
    "h5py",
    "mujoco",
    "safetensors.torch",
    "pydantic.dataclasses",
    "pydantic.type_adapter",
)
# Variables that may differ from job to job, because no library reads them.
DIFFERENT = (PARENT, "SHLVL", "_")
# Variables that are read before Python can change them: by the loader, the C library and
# the interpreter.
READ_AT_START = ("LD_", "LC_", "LANG", "GLIBC_", "MALLOC_", "PYTHON")


class Libraries:
    """The imported libraries, and the environment in which they were imported."""

    def __init__(self) -> None:
        self.interpreter = list(interpreter())
        self.at_start = _read_at_start(os.environ)
        self.environment: dict[str, str] | None = None  # None: nothing is imported yet
        self.is_forkable = False

    def fit(self, command: Command) -> bool:
        """True if a fork of this process equals a new process for the command."""
        given = command["environment"]
        if (
            command["interpreter"] != self.interpreter
            or _read_at_start(given) != self.at_start
        ):
            return False
        environment = {n: value for n, value in given.items() if n not in DIFFERENT}
        if self.environment is None:
            self.environment = environment
            self._import()
        return self.is_forkable and environment == self.environment

    def _import(self) -> None:
        os.environ.update(self.environment or {})
        os.environ["MUJOCO_GL"] = "disable"  # as in every command, see rollout/opengl.py
        gc.disable()
        # After an error the job runs in its client, and reports it.
        with contextlib.suppress(Exception):
            for name in LIBRARIES:
                importlib.import_module(name)
            if is_installed():
                import_openvino()
            # A fork has only the thread that forked; locks of the others stay locked.
            self.is_forkable = len(os.listdir("/proc/self/task")) == 1
        gc.freeze()  # the garbage collectors of jobs skip the libraries


def _read_at_start(environment: Mapping[str, str]) -> dict[str, str]:
    return {n: value for n, value in environment.items() if n.startswith(READ_AT_START)}
