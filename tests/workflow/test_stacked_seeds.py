"""The workflow with compute.stacked_seeds: one job for all seeds, files of each."""

import json

import pytest
import yaml

from support.paths import ROOT
from support.workflow_copy import Workflow
from trajprompt.config import derive
from trajprompt.config.load import load_config
from trajprompt.settings.stages import to_json

pytestmark = pytest.mark.slow
STACKED = """
suites: [point-sparse]
seeds: [0, 1, 2]
compute: { stacked_seeds: true, device: cpu, precision: fp32 }
"""
CELL = ("point-sparse", "segments", "hill-climbing")
FILES = ("--configfile", "presets/smoke.yaml", "stacked.yaml")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    workflow = Workflow(tmp_path_factory.mktemp("stacked"))
    (workflow.folder / "stacked.yaml").write_text(STACKED)
    return workflow


def test_one_job_makes_the_files_of_all_seeds(made):
    target = f"results/smoke/4_evaluate/{'/'.join(CELL)}/seed1.csv"
    done = made.snakemake(target, *FILES)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-8000:]
    results = made.folder / "results/smoke"
    files = {
        f"2_pretrain/{CELL[0]}/{CELL[1]}": "safetensors",
        f"3_tune/{'/'.join(CELL)}": "h5",
        f"4_evaluate/{'/'.join(CELL)}": "csv",
    }
    for folder, suffix in files.items():
        for seed in range(3):
            assert (results / f"{folder}/seed{seed}.{suffix}").stat().st_size
    again = made.snakemake(target, *FILES, "--dry-run")
    assert "Nothing to be done" in again.stdout + again.stderr
    paths = [str(made.folder / name) for name in ("config.yaml", *FILES[1:])]
    expected = derive.tune(load_config(paths), *CELL, 2)
    record = results / f"3_tune/{'/'.join(CELL)}/seed2.provenance.json"
    assert json.loads(record.read_text())["settings"] == json.loads(to_json(expected))


def test_a_complete_run_has_one_job_per_backbone_and_cell(made):
    done = made.snakemake(*FILES, "--dry-run", "--quiet", "rules")
    text = done.stdout + done.stderr
    assert done.returncode == 0, text[-4000:]
    rules = {line.split()[0] for line in text.splitlines() if line.strip()}
    assert {"pretrain_seeds", "tune_seeds", "evaluate_seeds"} <= rules
    assert not {"pretrain", "tune", "evaluate"} & rules


def test_a_stacked_cell_is_one_slurm_job_as_a_plain_one():
    profile = yaml.safe_load((ROOT / "profiles/slurm/profile.v9+.yaml").read_text())
    groups = profile["groups"]
    for rule in ("tune", "evaluate"):
        assert groups[f"{rule}_seeds"] == groups[rule]
