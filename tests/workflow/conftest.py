"""A private copy of the workflow per test: tests never touch the checkout's results."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = (
    "Snakefile config.yaml presets profiles workflow src published envs requirements.lock"
)


class Workflow:
    """A copy of the repository in which Snakemake runs."""

    def __init__(self, folder: Path):
        self.folder = folder
        for part in PARTS.split():
            source = ROOT / part
            copy = shutil.copytree if source.is_dir() else shutil.copy2
            copy(source, folder / part)

    def snakemake(
        self, *arguments: str, timeout: float = 900
    ) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
        environment = {**os.environ, "PYTHONPATH": str(self.folder / "src")}
        return subprocess.run(
            command,
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=timeout,
        )


@pytest.fixture
def workflow(tmp_path: Path) -> Workflow:
    return Workflow(tmp_path)


@pytest.fixture(scope="session")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """The smoke run, done once per test session."""
    made = Workflow(tmp_path_factory.mktemp("smoke"))
    done = made.snakemake("--configfile", "presets/smoke.yaml")
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-8000:]
    return made
