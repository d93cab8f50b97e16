"""A job server without Snakemake, for jobs that import stubs of the libraries."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import psutil

from support.paths import ROOT
from trajprompt.job_server import OFF, VARIABLE
from trajprompt.job_server.libraries import LIBRARIES

TIMEOUT = 60  # seconds
STUBBED = (*LIBRARIES, "openvino")
SNAKEMAKE = f"""
import os, sys
from trajprompt.job_server.start import job_server
with job_server():
    print(os.environ["{VARIABLE}"], flush=True)
    sys.stdin.read()
"""
# As trajprompt/commands/__init__.py.
PACKAGE = f"""
import os, sys
if sys.argv[:1] == ["-m"]:
    from trajprompt.job_server.client import hand_over
    hand_over(os.environ["{VARIABLE}"])
"""
# The job's code is its first argument. As every command, it ends with its parent.
MODULE = """
import signal, sys, time
import torch
from pathlib import Path
from trajprompt.processes import stop_with_parent
stop_with_parent()
exec(sys.argv[1])
"""
STUB = "import os\nPROCESS = os.getpid()\n"


class Server:
    """A job server, the process that started it, and its jobs; all in one folder."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
        write_stubs(folder, STUB)
        (folder / "jobs").mkdir()
        (folder / "jobs/__init__.py").write_text(PACKAGE)
        (folder / "jobs/code.py").write_text(MODULE)

    def __enter__(self) -> "Server":
        self.main = subprocess.Popen(
            [sys.executable, "-c", SNAKEMAKE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=self.folder,
            env=self.environment,
            text=True,
            preexec_fn=allow_interrupts,
        )
        assert self.main.stdout is not None
        self.name = self.main.stdout.readline().strip()
        (self.process,) = psutil.Process(self.main.pid).children()
        return self

    def __exit__(self, *_: object) -> None:
        """End the run normally, and check that the server ends, too."""
        self.main.communicate(timeout=TIMEOUT)
        psutil.wait_procs([self.process], TIMEOUT)
        assert not self.process.is_running()
        assert self.name not in Path("/proc/net/unix").read_text()

    def start(
        self, code: str, *options: str, served: bool = True, **variables: str
    ) -> subprocess.Popen:
        """Start ``python <options> -m jobs.code <code>``."""
        name = {VARIABLE: self.name if served else OFF}
        return subprocess.Popen(
            [sys.executable, *options, "-m", "jobs.code", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.folder,
            env={**self.environment, **name, **variables},
            text=True,
            preexec_fn=allow_interrupts,
        )

    def run(self, code: str, *options: str, **variables: str) -> str:
        """Standard output of a job that succeeds."""
        code_, output, error = self.result(code, *options, **variables)
        assert code_ == 0, error
        return output

    def result(
        self, code: str, *options: str, served: bool = True, **variables: str
    ) -> tuple[int, str, str]:
        """Exit code, output and errors of a job."""
        job = self.start(code, *options, served=served, **variables)
        output, error = job.communicate(timeout=TIMEOUT)
        return job.returncode, output, error

    def is_served(self, *options: str, **variables: str) -> bool:
        """True if the server has imported the stub of torch for a job, not the job."""
        importer = self.run("print(torch.PROCESS)", *options, **variables)
        return int(importer) == self.process.pid

    @contextlib.contextmanager
    def running(self, code: str) -> Iterator[tuple[subprocess.Popen, psutil.Process]]:
        """A job's client and process, once its code prints "ready"."""
        client = self.start(code)
        assert client.stdout is not None
        assert client.stdout.readline() == "ready\n"
        (process,) = self.process.children()
        try:
            yield client, process
        finally:
            client.kill()
            client.communicate()
            assert gone(process)


def allow_interrupts() -> None:
    """Undo that a shell ignores SIGINT in what it runs in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def write_stubs(folder: Path, code: str, names: Iterable[str] = STUBBED) -> None:
    """Write modules that jobs and servers in ``folder`` import instead of libraries."""
    for name in names:
        path = folder
        for part in name.split("."):
            path = path / part
            path.mkdir(exist_ok=True)
            (path / "__init__.py").write_text(code)


def gone(process: psutil.Process) -> bool:
    """True once the process has ended."""
    return wait_for(lambda: not process.is_running() or is_zombie(process))


def is_zombie(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_for(event: Callable[[], object]) -> bool:
    end = time.monotonic() + TIMEOUT
    while not event():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
