"""Execute docs/add-a-suite.md: its file, its goals and its config are sufficient."""

import re
import subprocess
import sys

import pytest

from support.lint import require_lint
from support.paths import ROOT
from support.workflow_copy import Workflow

PAGE = ROOT / "docs/add-a-suite.md"
SMOKE = ("mine", "--configfile", "presets/smoke.yaml", "mine.yaml")
PLAYED = """
import numpy as np

from trajprompt.collect.experts import ScriptedPolicy
from trajprompt.rollout.loop import rollout
from trajprompt.tasks.registry import get_suite, make_simulator

suite = get_suite("point-circle")
simulator = make_simulator(suite, np.arange(8))
played = rollout(simulator, ScriptedPolicy(simulator), np.arange(8))
assert played.successes.all() and (played.returns > -7).all(), played.returns
assert suite.goal_text(2) == "walk to (0.00, 1.00)"
"""


@pytest.fixture
def copy(tmp_path) -> Workflow:
    """A copy of the repository with the files of the page."""
    made = Workflow(tmp_path)
    blocks = dict(re.findall(r"```(\w+)\n(.*?)```", PAGE.read_text(), re.S))
    tasks = tmp_path / "src/trajprompt/tasks"
    (tasks / "circle.py").write_text(blocks["python"])
    (tasks / "circle.csv").write_text(blocks["csv"])
    (tmp_path / "mine.yaml").write_text(blocks["yaml"])
    return made


def python(copy: Workflow, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=copy.folder,
        env=copy.environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]


def test_its_file_passes_lint(copy):
    require_lint(copy.folder / "src/trajprompt/tasks/circle.py")


def test_the_expert_reaches_every_goal(copy):
    python(copy, "-c", PLAYED)


def test_the_suites_tests_pass_with_it(copy):
    names = ("test_suites.py", "test_mujoco_simulator.py")
    files = [str(ROOT / "tests/unit/tasks" / name) for name in names]
    options = ("-k", "point-circle", "-c", str(ROOT / "pyproject.toml"))
    python(copy, "-m", "pytest", "-n", "0", *options, *files)


def test_a_run_has_its_jobs_and_no_others(copy):
    done = copy.snakemake("-n", *SMOKE)
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout + done.stderr
    assert "point-circle" in said and "cheetah" not in said


@pytest.mark.slow
def test_its_table_is_made(copy):
    done = copy.snakemake(*SMOKE)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    table = (copy.folder / "results/smoke/5_report/tables/mine.md").read_text()
    assert "Circle" in table and "PTDT-offline" in table
    again = copy.snakemake("-n", *SMOKE)
    assert "Nothing to be done" in again.stdout + again.stderr
    with (copy.folder / "src/trajprompt/tasks/circle.py").open("a") as family:
        family.write("# edited\n")
    edited = copy.snakemake("-n", *SMOKE)
    assert re.search(r"^collect +1$", edited.stdout + edited.stderr, re.M)
