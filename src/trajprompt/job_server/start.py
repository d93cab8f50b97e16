"""Start and end of the job server in the main Snakemake process."""

import contextlib
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator

from trajprompt.job_server import OFF, VARIABLE

WAITING = 128  # clients that may wait for the server, e.g. while it imports


@contextlib.contextmanager
def job_server() -> Iterator[None]:
    """Run a job server for the commands that this process starts in the block.

    Linux only. Does nothing if the environment variable is OFF.
    """
    if sys.platform != "linux" or os.environ.get(VARIABLE) == OFF:
        yield
        return
    # A name in the abstract namespace: no file, so none is left after any kill.
    name = f"trajprompt-{secrets.token_hex(16)}"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"\0{name}")
        listener.listen(WAITING)
        descriptor = listener.fileno()
        process = subprocess.Popen(
            [sys.executable, "-m", "trajprompt.job_server.server", str(descriptor)],
            stdin=subprocess.PIPE,  # closes when this process ends
            stdout=subprocess.DEVNULL,
            pass_fds=[descriptor],
            start_new_session=True,  # Ctrl-C reaches jobs through their clients only
        )
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = name
    try:
        yield
    finally:
        del os.environ[VARIABLE]
        if before is not None:
            os.environ[VARIABLE] = before
        process.communicate()  # closes the pipe and waits
