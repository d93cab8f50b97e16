"""The job server: imports the libraries once, then forks a process for each job.

    python -m trajprompt.job_server.server DESCRIPTOR

start.py starts it. DESCRIPTOR is the listening socket. Standard input is a pipe whose
other end only Snakemake holds: it closes when Snakemake ends, however it ends. The server
then sends SIGTERM to its jobs, waits for them, and ends.

Libraries are imported when the first job arrives, in its environment. A job in another
environment is refused, and runs in its client.
"""

import contextlib
import json
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Sequence
from typing import Any, cast

from trajprompt.job_server import job
from trajprompt.job_server.libraries import Libraries
from trajprompt.job_server.protocol import REFUSED, STREAMS, Command, is_own

LIFE = 0  # descriptor of the pipe from Snakemake
HANDLED = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT)
PAUSE = 0.1  # s; after the system refused a connection, which remains in the queue


class Server:
    """Clients of the server and the processes of their commands."""

    def __init__(self, listener: socket.socket):
        self.listener = listener
        self.process = os.getpid()
        self.clients: dict[socket.socket, int | None] = {}  # process; None: not yet forked
        self.processes: dict[int, socket.socket] = {}  # client, also a disconnected one
        self.is_open = True
        self.libraries = Libraries()
        self.signals, self.written = socket.socketpair()  # numbers of received signals
        self.written.setblocking(False)
        signal.set_wakeup_fd(self.written.fileno())
        self.handlers = {n: signal.signal(n, lambda *_: None) for n in HANDLED}

    def serve(self) -> Command | None:
        """Serve until Snakemake ends; in the process of a job, return its command."""
        while self.is_open or self.processes:
            sources: list[Any] = [self.signals, *self.clients]
            if self.is_open:
                sources += [LIFE, self.listener]
            for source in select.select(sources, [], [])[0]:
                if source is self.signals:
                    self._handle_signals()
                elif source in self.clients:  # not if its process has just ended
                    if command := self._read(source):
                        return command
                elif source == LIFE:
                    self._stop()
                elif source is self.listener and self.is_open:
                    self._accept()
        return None

    def _accept(self) -> None:
        if client := accept(self.listener):
            self.clients[client] = None

    def _handle_signals(self) -> None:
        if set(self.signals.recv(1024)) - {signal.SIGCHLD}:
            self._stop()
        while self.processes:
            process, status = os.waitpid(-1, os.WNOHANG)
            if process == 0:
                break
            client = self.processes.pop(process)
            self._answer(client, status.to_bytes(len(REFUSED), sys.byteorder))

    def _stop(self) -> None:
        """Accept no more jobs and let the running ones write their checkpoints."""
        self.is_open = False
        self.listener.close()
        for process in self.processes:
            os.kill(process, signal.SIGTERM)

    def _read(self, client: socket.socket) -> Command | None:
        """Handle a message of a client; in the process of a new job, return its command."""
        process = self.clients[client]
        if process is None:
            return self._start(client)
        try:
            message = client.recv(1)
        except OSError:
            message = b""
        if not message:  # its process has the other copy of the connection
            del self.clients[client]
        with contextlib.suppress(OSError):  # not the number of a signal
            os.kill(process, message[0] if message else signal.SIGTERM)
        return None

    def _start(self, client: socket.socket) -> Command | None:
        """Fork a process for the command that a client sends, or refuse it."""
        descriptors: list[int] = []
        with contextlib.suppress(OSError):  # it has disconnected
            descriptors = socket.recv_fds(client, 1, len(STREAMS) + 1)[1]
        command = _read_command(descriptors)
        process = None
        if command and self.is_open and self.libraries.fit(command):
            process = self._fork(client)
        if command and process == 0:
            job.inherit(command, descriptors, self.process)
            return command
        if process is None:
            self._answer(client, REFUSED)
        for descriptor in descriptors:
            os.close(descriptor)
        return None

    def _fork(self, client: socket.socket) -> int | None:
        """Fork; in the new process, restore the signals and close what is the server's.

        The new process keeps its connection, so that the client of a killed server
        waits until the process has ended, too. Returns None if the system refuses.
        """
        # A signal that arrives before the handlers are restored would go to the server.
        signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)
        process = None
        with contextlib.suppress(OSError):  # no memory, or too many processes
            process = os.fork()
        if process == 0:
            signal.set_wakeup_fd(-1)
            for number, handler in self.handlers.items():
                signal.signal(number, handler)
            client.detach()
            ours = self.listener, self.signals, self.written
            for one in (*ours, *self.clients, *self.processes.values()):
                one.close()
        elif process:
            self.clients[client], self.processes[process] = process, client
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)
        return process

    def _answer(self, client: socket.socket, answer: bytes) -> None:
        self.clients.pop(client, None)
        with client, contextlib.suppress(OSError):  # it has disconnected
            client.sendall(answer)


def accept(listener: socket.socket) -> socket.socket | None:
    """Accept a connection, unless it is another user's: any user can connect.

    Returns None, too, if the system refuses, e.g. because too many files are open.
    """
    try:
        connection, _ = listener.accept()
    except OSError:
        time.sleep(PAUSE)
        return None
    if is_own(connection):
        return connection
    connection.close()
    return None


def _read_command(descriptors: Sequence[int]) -> Command | None:
    """The command in the last of a client's descriptors, which stay open.

    None if a descriptor is missing, or if the client is of another version.
    """
    if len(descriptors) != len(STREAMS) + 1:
        return None
    with (
        contextlib.suppress(OSError, ValueError),
        open(descriptors[-1], closefd=False) as text,
    ):
        text.seek(0)
        command = json.load(text)
        if isinstance(command, dict) and command.keys() == Command.__annotations__.keys():
            return cast(Command, command)
    return None


def main(arguments: Sequence[str]) -> None:
    command = Server(socket.socket(fileno=int(arguments[0]))).serve()
    if command:
        job.run(command["arguments"])
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
