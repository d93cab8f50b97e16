"""The evening preset with few steps: a cell of every kind of method is tuned and played."""

import csv

import pytest

from support.few_steps import FEW_STEPS
from support.paths import CONFIG, ROOT
from support.workflow_copy import Workflow
from trajprompt.config import cells as table_cells
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


def test_a_cell_of_every_kind(tmp_path):
    run = load_config([CONFIG, ROOT / "presets/evening.yaml"])
    kind = {name: method["kind"] for name, method in run["methods"].items()}
    chosen = {
        kind[method]: f"{suite}/{condition}/{method}"
        for suite, condition, method in table_cells.cells(run)
        if suite == "cheetah-vel"
    }
    assert set(chosen) == {kind[method] for _, _, method in table_cells.cells(run)}
    made = Workflow(tmp_path)
    (made.folder / "few_steps.yaml").write_text(FEW_STEPS + SEARCHES.lstrip("\n"))
    files = [f"results/evening/4_evaluate/{cell}/seed0.csv" for cell in chosen.values()]
    presets = ("presets/evening.yaml", "few_steps.yaml")
    done = made.snakemake(*files, "--configfile", *presets)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-8000:]
    for file in files:
        rows = list(csv.DictReader((made.folder / file).open()))
        last = [row for row in rows if "last" in row["checkpoint"]]
        assert len(last) == 5 * run["evaluate"]["suites"]["cheetah-vel"]["episodes"], file
