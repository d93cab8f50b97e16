"""The one kind of error that a user is meant to read."""

import signal

LONGEST = 2000  # characters of a message


class TrajpromptError(Exception):
    """Bad input, named in full: where, what was found, what was expected, what to do."""

    def __init__(self, where: object, found: str, expected: str = "", remedy: str = ""):
        self.where, self.found, self.expected = where, found, expected
        parts = [f"{where}: {found}"]
        if expected:
            parts.append(f"expected {expected}")
        if remedy:
            parts.append(remedy)
        super().__init__(one_line("; ".join(parts)))


def one_line(text: str) -> str:
    """Text as a terminal can show it: damaged files put anything into messages."""
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]} …"
    return "".join(
        c if c.isprintable() else " " if c.isspace() else f"\\x{ord(c):02x}" for c in text
    )


class Interrupted(Exception):
    """A signal asked a long loop to stop, and it saved where it was."""

    def __init__(self, number: int, label: str, done: int, total: int, checkpoint: object):
        self.exit_code = 128 + number  # as the shell counts a process that a signal ended
        name = signal.Signals(number).name
        super().__init__(
            f"{label}: stopped by {name} after step {done} of {total}; the same command"
            f" goes on from {checkpoint}"
        )
