"""Check that a file passes ruff as in ``make lint``."""

import subprocess
import sys
from pathlib import Path

from support.paths import ROOT

CHECKS = (("check",), ("format", "--check", "--diff"))


def require_lint(file: Path) -> None:
    """Fail with ruff's output if the file does not pass with pyproject.toml's settings."""
    assert file.is_file()
    for check in CHECKS:
        options = ["--no-cache", "--config", ROOT / "pyproject.toml"]
        command = [sys.executable, "-m", "ruff", *check, *options, file]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
