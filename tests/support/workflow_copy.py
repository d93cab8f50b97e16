"""A copy of the workflow, so tests never change the results in the checkout."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from support.paths import ROOT

PARTS = "Snakefile config.yaml presets profiles workflow src papers envs requirements.lock"


class Workflow:
    """A copy of the repository in which Snakemake runs."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.environment = {**os.environ, "PYTHONPATH": str(folder / "src")}
        for part in PARTS.split():
            source = ROOT / part
            copy = shutil.copytree if source.is_dir() else shutil.copy2
            copy(source, folder / part)

    def snakemake(
        self, *arguments: str, timeout: float = 900
    ) -> subprocess.CompletedProcess:
        return subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    def start(self, *arguments: str, log: Path) -> subprocess.Popen:
        """Start Snakemake in a new process group; its output is appended to ``log``."""
        with log.open("ab") as output:
            return subprocess.Popen(
                self.command(*arguments),
                cwd=self.folder,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
