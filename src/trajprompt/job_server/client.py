"""A job as client of the job server.

The client sends its command to the server, which forks a process for it. Then the client
only forwards signals, and ends as that process ends. For Snakemake, which waits for the
client, nothing changes.
"""

import contextlib
import json
import os
import select
import signal
import socket
import sys
from typing import NoReturn

from trajprompt.errors import TrajpromptError
from trajprompt.job_server import OFF, VARIABLE
from trajprompt.job_server.protocol import (
    ANSWER_BYTES,
    REFUSED,
    STREAMS,
    Command,
    interpreter,
    is_own,
)

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)  # those that checkpoints handle


def hand_over(name: str) -> None:
    """Run this process's ``python -m module ...`` in the server, and end as it ends.

    ``name`` is the name of the server's socket. Returns if this process has to run the
    command itself: there is no such server, it is another user's, the command cannot be
    sent, or the server refuses because this interpreter or environment differs from the one
    in which it has imported the libraries.
    """
    if sys.orig_argv[1:2] != ["-m"]:  # e.g. options of the interpreter
        return
    if None in (sys.stdin, sys.stdout, sys.stderr):  # closed: there is nothing to send
        return
    answer = REFUSED
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
        connection.connect(f"\0{name}")
        if is_own(connection):
            answer = _run(connection)
    if not answer:
        _end_without_server()
    if answer != REFUSED:
        _end_as(int.from_bytes(answer, sys.byteorder))


def _run(connection: socket.socket) -> bytes:
    """Send the command, forward signals, and return the answer; empty if there is none.

    A command that cannot be sent is refused. A refused command gets the signals that this
    process received meanwhile.
    """
    signals, written = socket.socketpair()  # Python writes the numbers of signals into it
    written.setblocking(False)
    signal.set_wakeup_fd(written.fileno())
    handlers = {n: signal.getsignal(n) for n in SIGNALS}
    caught = [n for n in SIGNALS if handlers[n] != signal.SIG_IGN]
    for number in caught:
        signal.signal(number, lambda *_: None)
    received, answer = b"", REFUSED
    with contextlib.suppress(OSError):
        _send_command(connection)
        answer = b""  # if the server is killed
        while connection not in (ready := select.select([connection, signals], [], [])[0]):
            if signals in ready:
                received += (numbers := signals.recv(ANSWER_BYTES))
                with contextlib.suppress(OSError):  # the command has just ended
                    connection.sendall(numbers)
        answer = connection.recv(ANSWER_BYTES)
    signal.set_wakeup_fd(-1)
    for number in caught:
        signal.signal(number, handlers[number])
    if answer == REFUSED:
        for value in received:
            signal.raise_signal(value)
    return answer


def _send_command(connection: socket.socket) -> None:
    umask = os.umask(0o077)  # it can only be read by setting it
    os.umask(umask)
    command = Command(
        interpreter=interpreter(),
        arguments=sys.orig_argv,
        environment=dict(os.environ),
        folder=os.getcwd(),
        umask=umask,
    )
    # A file in memory: the server never waits for the rest of a long command.
    with os.fdopen(os.memfd_create("command"), "w") as file:
        json.dump(command, file)
        file.flush()
        socket.send_fds(connection, [b"\0"], [*STREAMS, file.fileno()])


def _end_as(status: int) -> NoReturn:
    """End with the exit code or by the signal of a ``status`` of waitpid(2)."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number != signal.SIGKILL:  # it has no handler
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(status))


def _end_without_server() -> NoReturn:
    error = TrajpromptError(
        "job server",
        "it was killed, which stopped this job",
        "a server that runs as long as its Snakemake",
        f"run `snakemake` again, or with {VARIABLE}={OFF} to do without the server",
    )
    print(f"trajprompt: error: {error}", file=sys.stderr, flush=True)
    os._exit(2)
