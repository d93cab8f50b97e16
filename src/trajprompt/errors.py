"""Errors that are shown to the user as one line."""

import signal

MAX_MESSAGE = 2000  # characters


class TrajpromptError(Exception):
    """Invalid input: where, what was found, what was expected, what to do."""

    def __init__(self, where: object, found: str, expected: str = "", remedy: str = ""):
        self.where, self.found, self.expected = where, found, expected
        parts = [f"{where}: {found}"]
        if expected:
            parts.append(f"expected {expected}")
        if remedy:
            parts.append(remedy)
        super().__init__(one_line("; ".join(parts)))


def one_line(text: str) -> str:
    """Text as one printable line: messages may quote the bytes of a damaged file."""
    if len(text) > MAX_MESSAGE:
        text = f"{text[:MAX_MESSAGE]} …"
    return "".join(
        c if c.isprintable() else " " if c.isspace() else f"\\x{ord(c):02x}" for c in text
    )


class Interrupted(Exception):
    """A signal stopped a long loop, which saved a checkpoint."""

    def __init__(self, number: int, label: str, done: int, total: int, checkpoint: object):
        self.exit_code = 128 + number  # the shell's code of a process ended by a signal
        name = signal.Signals(number).name
        super().__init__(
            f"{label}: stopped by {name} after step {done} of {total}; the same command"
            f" resumes from {checkpoint}"
        )
