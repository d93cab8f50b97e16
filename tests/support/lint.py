"""Whether code is written as the project's ``make lint`` demands."""

import subprocess
import sys
from pathlib import Path

from support.paths import ROOT

CHECKS = (("check",), ("format", "--check", "--diff"))


def require_lint(file: Path) -> None:
    """Fail with what ruff has to say, by the settings of pyproject.toml."""
    assert file.is_file()
    for check in CHECKS:
        own = ["--no-cache", "--config", ROOT / "pyproject.toml"]
        command = [sys.executable, "-m", "ruff", *check, *own, file]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
