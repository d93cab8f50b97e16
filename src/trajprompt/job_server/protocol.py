"""What the job server and its clients agree on.

A client sends one byte together with four descriptors: stdin, stdout, stderr, and a file
that describes its command as JSON. Each further byte is the number of a signal for the
command's process. The server answers once, with the status of that process as waitpid(2)
returns it, or with REFUSED. A client that disconnects ends the process with SIGTERM.
"""

import os
import socket
import struct
import sys
from typing import TypedDict

STREAMS = (0, 1, 2)  # descriptors of stdin, stdout and stderr
ANSWER_BYTES = 4
REFUSED = b"\xff" * ANSWER_BYTES  # the client has to run the command itself
PEER = struct.Struct("3i")  # struct ucred of unix(7): process, user and group


class Command(TypedDict):
    """A command and all that its process inherits, except open files."""

    interpreter: list[object]  # of `interpreter`
    arguments: list[str]  # python -m module ...
    environment: dict[str, str]
    folder: str
    umask: int


def interpreter() -> list[object]:
    """Properties of this interpreter that decide which libraries it imports, and how."""
    return [sys.version, sys.prefix, sys.path, list(sys.flags)]


def is_own(connection: socket.socket) -> bool:
    """True if the peer is of the same user: any user can connect to the socket."""
    peer = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, PEER.size)
    return PEER.unpack(peer)[1] == os.getuid()
