"""Execute docs/add-an-algorithm.md: its file and its config are sufficient."""

import re
import subprocess
import sys

import pytest

from support.lint import require_lint
from support.paths import ROOT
from support.workflow_copy import Workflow

PAGE = ROOT / "docs/add-an-algorithm.md"
FILE = "src/trajprompt/offline/algorithms/awr.py"
# The page's run at the smallest size: one update of the teacher between snapshots.
SMALL = """
run: small
seeds: [0, 1]
teachers:
  walker2d:
    options:
      steps: 16384
      rows: 4
      minibatch: 64
      snapshot_every: 2048
      snapshot_episodes: 1
      medium_at_least: 0
      medium_at_most: 1000
    expert_at_least: null
collect:
  walker2d-medium-replay:
    options: { steps: 4000 }
    quality_episodes: 2
    score_between: null
pretrain: { demonstrations: 2 }
algorithms:
  bc: { updates: 20 }
  awr: { updates: 20, curve_episodes: 1 }
"""
SMOKE = ("--configfile", "presets/smoke.yaml", "mine.yaml", "small.yaml")
# Rewarded actions are 0.5, others -0.5, in equal numbers: imitation alone finds 0.
LEARNS = """
import torch

from trajprompt.offline.noise import Noise
from trajprompt.offline.protocol import Sizes
from trajprompt.offline.registry import get_algorithm
from trajprompt.trajectories.transitions import Batch

algorithm = get_algorithm("awr")
generators = [torch.Generator().manual_seed(seed) for seed in range(2)]
options = algorithm.options(width=16, learning_rate=0.01)
sizes = Sizes(stack=2, states=3, actions=1, updates=300)
learner = algorithm.learner(sizes, options, generators, Noise(generators), "cpu")
rewarded = torch.tensor([0.0, 1.0]).repeat(2, 32)
states, never = torch.ones(2, 64, 3), torch.zeros(2, 64)
actions = rewarded[..., None] - 0.5
batch = Batch(states, actions, rewarded, states, never + 1, actions, never)
for _ in range(300):
    losses = learner.update(batch)
assert all(loss.shape == (2,) for loss in losses.values()), losses
found = learner.actor(states).tanh()[:, 0, 0]
assert (found > 0.2).all(), found
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Workflow:
    """A copy of the repository with the files of the page."""
    made = Workflow(tmp_path_factory.mktemp("copy"))
    blocks = dict(re.findall(r"```(\w+)\n(.*?)```", PAGE.read_text(), re.S))
    (made.folder / FILE).write_text(blocks["python"])
    (made.folder / "mine.yaml").write_text(blocks["yaml"])
    (made.folder / "small.yaml").write_text(SMALL)
    return made


def python(copy: Workflow, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=copy.folder,
        env=copy.environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_its_file_passes_lint(copy):
    require_lint(copy.folder / FILE)


def test_it_prefers_rewarded_actions(copy):
    done = python(copy, "-c", LEARNS)
    assert done.returncode == 0, done.stderr[-4000:]


def test_the_algorithms_tests_pass_with_it(copy):
    """All of them: no other test of the file may refuse a new algorithm, either."""
    file = str(ROOT / "tests/unit/offline/test_algorithms.py")
    options = ("-n", "0", "-rp", "-c", str(ROOT / "pyproject.toml"))
    done = python(copy, "-m", "pytest", *options, file)
    assert done.returncode == 0, done.stdout[-4000:]
    assert len(re.findall(r"^PASSED .*\[.*awr.*\]", done.stdout, re.M)) == 4


def test_a_run_has_its_jobs_and_no_others(copy):
    done = copy.snakemake("-n", "mine", "--configfile", "presets/smoke.yaml", "mine.yaml")
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "Learning awr on walker2d-medium-replay" in said
    jobs = dict(re.findall(r"^(\w+) +(\d+)$", said, re.M))
    assert jobs == {
        **dict.fromkeys(("teach", "collect", "mine"), "1"),
        **dict.fromkeys(("learn", "tune", "evaluate"), "2"),
        "total": "9",
    }


def test_a_wrong_option_is_refused(copy):
    text = "algorithms: { awr: { options: { temperature: -1 } } }"
    (copy.folder / "wrong.yaml").write_text(text)
    arguments = ("-m", "trajprompt.cli", "config", "config.yaml", "mine.yaml")
    done = python(copy, *arguments, "wrong.yaml")
    assert done.returncode == 2
    assert "wrong.yaml: algorithms.awr.options.temperature" in done.stderr


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('"awr"', '"bc"'), "registers an algorithm named 'bc'; expected 'awr'"),
        (("@register(", "# @register("), "awr.py: registers no algorithm"),
    ],
)
def test_a_file_that_does_not_register_its_name_is_refused(copy, change, message):
    file = copy.folder / FILE
    text = file.read_text()
    file.write_text(text.replace(*change))
    try:
        done = python(copy, "-m", "trajprompt.cli", "config", "config.yaml", "mine.yaml")
    finally:
        file.write_text(text)
    assert done.returncode == 2
    assert message in done.stderr


@pytest.mark.slow
def test_its_table_is_made(copy):
    done = copy.snakemake("mine", *SMOKE)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    table = (copy.folder / "results/small/5_report/tables/mine.md").read_text()
    assert "| AWR |" in table and "mean of the data" in table
    curve = copy.folder / "results/small/2_pretrain/walker2d-medium-replay/awr/seed1.csv"
    assert curve.read_text().startswith("step,value_loss,actor_loss,return\n2,")
    with (copy.folder / FILE).open("a") as file:
        file.write("# edited\n")
    edited = copy.snakemake("-n", "mine", *SMOKE)
    jobs = re.findall(r"^(\w+) +(\d+)$", edited.stdout + edited.stderr, re.M)
    assert ("learn", "1") in jobs and "teach" not in dict(jobs)
