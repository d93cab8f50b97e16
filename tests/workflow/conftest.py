"""Fixtures: a private copy of the workflow per test, and one smoke run for all tests."""

import os
import shutil
from pathlib import Path

import pytest

from support.workflow_copy import Workflow

REPORT = "results/smoke/5_report"


@pytest.fixture
def workflow(tmp_path: Path) -> Workflow:
    return Workflow(tmp_path)


@pytest.fixture(scope="session")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """The finished smoke run, once per test session."""
    made = Workflow(tmp_path_factory.mktemp("smoke"))
    done = made.snakemake("--configfile", "presets/smoke.yaml")
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-8000:]
    if kept := os.environ.get("TRAJPROMPT_KEEP_SMOKE"):  # .ci/run compares it
        shutil.copytree(made.folder / REPORT, kept, dirs_exist_ok=True)
    return made
