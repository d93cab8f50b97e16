"""The evening preset with few steps: a cell of every kind of method is tuned and played."""

import csv

import pytest

from support.few_steps import FEW_STEPS
from support.paths import CONFIG, ROOT
from support.workflow_copy import Workflow
from trajprompt.config import cells as table_cells
from trajprompt.config import evaluation
from trajprompt.config.load import load_config

pytestmark = pytest.mark.slow
SEARCHES = """
  ptdt-best-of-n: { options: { episodes: 10, records: 1, candidates: 1 } }
  ptdt-cma-es: { options: { episodes: 12, records: 1, population: 6 } }
  equal-budget: { options: { episodes: 12, records: 2 } }
  prompt-bandit: { options: { episodes: 4, refit_steps: 2 } }
  cma-es: { options: { population: 6 } }
  two-point: { options: { pairs: 2 } }
  zo-rank-search: { options: { candidates: 3, ranked: 3 } }
  zo-rank-line-search: { options: { candidates: 3, ranked: 3 } }
backbones:
  segments: { steps: 3 }
"""


# The networks of CMT are the preset's, on data of a teacher that learns nothing.
CMT = """
suites: [hopper-medium-replay]
seeds: [0]
teachers:
  hopper:
    options:
      steps: 4000
      snapshot_every: 2000
      snapshot_episodes: 1
      medium_at_least: 0
      medium_at_most: 1000
      rows: 4
      minibatch: 64
    expert_at_least: null
collect:
  hopper-medium-replay:
    options: { steps: 3000 }
    quality_episodes: 3
    score_between: null
pretrain: { demonstrations: 2 } # fewer than the episodes of a level; CMT reads none
algorithms:
  cmt: { updates: 3, curve_points: 1, curve_episodes: 0 }
relabel: { states: 16 }
methods:
  cmt-adaptor: { options: { updates: 3 } }
"""


@pytest.fixture(scope="module")
def run():
    return load_config([CONFIG, ROOT / "presets/evening.yaml"])


def chosen(run, suite):
    """A cell of each kind of method on a suite, by kind."""
    return {
        run["methods"][method]["kind"]: f"{suite}/{condition}/{method}"
        for found, condition, method in table_cells.cells(run)
        if found == suite and (suite == "cheetah-vel" or condition == "cmt")
    }


def test_every_kind_has_a_cell_here(run):
    found = {run["methods"][method]["kind"] for _, _, method in table_cells.cells(run)}
    assert {*chosen(run, "cheetah-vel"), *chosen(run, "hopper-medium-replay")} == found


@pytest.mark.parametrize(
    ("suite", "overlay", "tasks"),
    [
        ("cheetah-vel", FEW_STEPS + SEARCHES.lstrip("\n"), 5),
        ("hopper-medium-replay", CMT.lstrip("\n"), 1),
    ],
)
def test_a_cell_of_every_kind(run, suite, overlay, tasks, tmp_path):
    made, cells = Workflow(tmp_path), chosen(run, suite)
    (made.folder / "few_steps.yaml").write_text(overlay)
    files = [f"results/evening/4_evaluate/{cell}/seed0.csv" for cell in cells.values()]
    presets = ("presets/evening.yaml", "few_steps.yaml")
    done = made.snakemake(*files, "--configfile", *presets)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-8000:]
    values = evaluation.values(run, suite)
    for file in files:
        rows = list(csv.DictReader((made.folder / file).open()))
        last = [row for row in rows if "last" in row["checkpoint"]]
        assert len(last) == tasks * values["episodes"], file
