"""The paper preset with few steps: 40 tasks, width 256, 35 x 8 contexts, 50 episodes."""

import csv
import json

import pytest

from support.few_steps import FEW_STEPS
from support.workflow_copy import Workflow
from trajprompt.collect.options import KINDS
from trajprompt.settings.options import build
from trajprompt.trajectories.store import read_attributes, read_trajectories

pytestmark = pytest.mark.slow
METHODS = (
    "none",
    "full-finetune",
    "ptdt-offline",
    "ptdt-online",
    "soft-prompt",
    "adaptor",
    "lora",
    "prefix-tuning",
    "retrieval",
    "prompt-diffuser",
    "prompt-vae",
)


@pytest.fixture(scope="module")
def shortened(tmp_path_factory):
    """Results folder of the shortened run: every method on one cell, one evaluation."""
    made = Workflow(tmp_path_factory.mktemp("paper"))
    (made.folder / "few_steps.yaml").write_text(FEW_STEPS)
    cell = "cheetah-vel/expert"
    targets = [
        *(f"3_tune/{cell}/{method}/seed0.h5" for method in METHODS),
        *(
            f"2_pretrain/cheetah-vel/{b}/seed0.safetensors"
            for b in ("prompt-mt-bc", "mt-orl")
        ),
        f"4_evaluate/{cell}/ptdt-offline/seed0.csv",
    ]
    done = made.snakemake(
        *(f"results/paper/{target}" for target in targets),
        "--configfile",
        "presets/paper.yaml",
        "few_steps.yaml",
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-8000:]
    results = made.folder / "results/paper"
    assert all((results / target).stat().st_size for target in targets)
    return results


def test_collection_has_the_papers_agents_and_all_tasks(shortened):
    store = shortened / "1_collect/cheetah-vel/trajectories.h5"
    settings = json.loads(read_attributes(store)["settings"])
    assert settings["algorithm"] == "td3"
    _, options = build(KINDS["td3"], settings["options"])  # defaults: the papers'
    assert (options.width, options.batch) == (256, 256)
    tasks = read_trajectories(store)
    assert list(tasks) == list(range(40))
    assert {task.num_episodes for task in tasks.values()} == {6}


def test_pretraining_took_its_steps(shortened):
    for backbone in ("prompt-dt", "prompt-mt-bc", "mt-orl"):
        file = shortened / f"2_pretrain/cheetah-vel/{backbone}/seed0.csv"
        rows = list(csv.DictReader(file.open()))
        assert [row["step"] for row in rows] == ["3"]
        assert float(rows[0]["train_loss"]) > 0


def test_evaluation_has_the_papers_episodes(shortened):
    file = shortened / "4_evaluate/cheetah-vel/expert/ptdt-offline/seed0.csv"
    rows = [row for row in csv.DictReader(file.open()) if row["checkpoint"] == "last"]
    assert {row["task"] for row in rows} == {"2", "7", "15", "23", "26"}
    assert len(rows) == 5 * 50
