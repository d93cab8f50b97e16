"""The process that the job server has forked for a job: it becomes ``python -m module``."""

import atexit
import gc
import importlib
import os
import runpy
import signal
import sys
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import NoReturn

from trajprompt.job_server import VARIABLE
from trajprompt.job_server.protocol import STREAMS, Command
from trajprompt.processes import PARENT


def inherit(command: Command, descriptors: Sequence[int], server: int) -> None:
    """Take over what the client would have inherited: streams, environment, folder, umask.

    ``descriptors`` are those that the client sent. ``server`` is the server's process,
    which is no longer the parent if it was killed. The project's modules are forgotten, so
    that the job imports them as they are on disk.
    """
    for source, stream in zip(descriptors[:-1], STREAMS, strict=True):
        os.dup2(source, stream)
    for source in descriptors:
        os.close(source)
    sys.stdout.reconfigure(line_buffering=os.isatty(1))  # type: ignore[union-attr]
    os.environ.clear()
    os.environ.update(command["environment"])
    del os.environ[VARIABLE]
    os.environ[PARENT] = f"{os.getpid()}:{server}"  # it ends with the server
    os.chdir(command["folder"])
    os.umask(command["umask"])
    sys.orig_argv = command["arguments"]
    for name in [name for name in sys.modules if name.partition(".")[0] == "trajprompt"]:
        del sys.modules[name]
    importlib.invalidate_caches()
    gc.enable()


def run(arguments: Sequence[str]) -> NoReturn:
    """Run ``python -m module ...`` and end this process with its exit code.

    The interpreter is not finalised: it would free every object of the libraries.
    """
    _, _, module, *rest = arguments
    sys.argv = [module, *rest]
    code = 1
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = _exit_code(end)
    except BaseException as error:
        trace = _from_main(error.__traceback__)
        sys.excepthook(type(error), error.with_traceback(trace), trace)
        if isinstance(error, KeyboardInterrupt):
            code = 128 + signal.SIGINT
    finally:
        try:
            threading._shutdown()  # type: ignore[attr-defined]
            atexit._run_exitfuncs()
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)


def _exit_code(end: SystemExit) -> int:
    if end.code is None or isinstance(end.code, int):
        return (end.code or 0) & 0xFF
    print(end.code, file=sys.stderr)
    return 1


def _from_main(trace: TracebackType | None) -> TracebackType | None:
    """The part of a traceback that begins in the command's module, if there is one."""
    part = trace
    while part and part.tb_frame.f_globals.get("__name__") != "__main__":
        part = part.tb_next
    return part or trace
