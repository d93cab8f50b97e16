"""The users on both sides of a connection."""

import os
import socket

from trajprompt.job_server.protocol import is_own


def test_only_connections_of_the_same_user_are_accepted(monkeypatch):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert is_own(ours)
        user = os.getuid()
        monkeypatch.setattr(os, "getuid", lambda: user + 1)
        assert not is_own(ours)
