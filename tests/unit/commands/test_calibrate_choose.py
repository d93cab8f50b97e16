"""From jobs to choices, on tiny data: sweeps, signals, tables, figure and YAML."""

import dataclasses
import json

import pandas as pd
import pytest
import torch
import yaml

from support.tuning_job import SETTINGS, SUITE, make_backbone, task_data
from trajprompt.commands import calibrate, calibrate_choose, calibrate_signal
from trajprompt.config.calibration import read_plan
from trajprompt.errors import TrajpromptError
from trajprompt.models.backbone import save_backbone
from trajprompt.settings.stages import to_json
from trajprompt.trajectories.store import write_trajectories

RATES = [0.000001, 0.001, 0.01, 0.1, 0.3, 1.0]
PLAN = {
    "episodes": 2,
    "signal": {"smoothings": [0.3], "resets": 2, "conditions": {}},
    "methods": {
        "soft-prompt": {
            "condition": "expert",
            "suites": ["cheetah-vel"],
            "values": {"learning_rate": RATES},
            "paper": {"learning_rate": 0.000001},
            "source": "a test",
        }
    },
}
OUTPUTS = "calibration.csv calibration.md calibration.png calibration.svg choices.yaml"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Sweeps and signals of two backbones, and what is chosen from them."""
    folder = tmp_path_factory.mktemp("calibration")
    tasks = [task_data(task) for task in SETTINGS.train_tasks]
    stored = {"settings": json.dumps({"quality_episodes": 1})}
    write_trajectories(folder / "d.h5", SUITE, tasks, stored)
    backbone = make_backbone()
    for parameter in backbone.model.parameters():  # so that prompts matter
        parameter.data += 0.1 * torch.randn_like(parameter)
    save_backbone(folder / "b.safetensors", backbone, {})
    (folder / "calibration.yaml").write_text(yaml.safe_dump(PLAN))
    for seed in (0, 1):
        sweep(folder, seed)
    signal(folder)
    choose(folder)
    return folder


def arguments(folder, **changes):
    options = {"iterations": 1, "steps_per_iteration": 2, "batch": 4, "judging_batch": 4}
    changed = {"options": options, "prompts_per_task": 1, **changes}
    settings = dataclasses.replace(SETTINGS, **changed)
    given = ["--suite", settings.suite, "--condition", settings.condition]
    given += ["--data", f"{folder}/d.h5", "--settings", to_json(settings)]
    return given


def sweep(folder, seed):
    method = "soft-prompt"
    given = arguments(folder, seed=seed, method=method, kind=method)
    given += ["--method", method, "--seed", str(seed), "--episodes", "2"]
    given += ["--sweep", read_plan(folder).methods[method].sweep]
    given += ["--backbone-file", f"{folder}/b.safetensors"]
    calibrate.main([*given, "--out", f"{folder}/sweep{seed}.csv"])


def signal(folder):
    given = arguments(folder, options={})
    given += ["--seed", "0", "1", "--backbone-file", *[f"{folder}/b.safetensors"] * 2]
    given += ["--smoothing", "0.3", "--resets", "2", "--tasks", "3", "5"]
    calibrate_signal.main([*given, "--out", f"{folder}/signal-rows.csv"])


def choose(folder):
    files = [f"{folder}/sweep{seed}.csv" for seed in (0, 1)]
    given = ["--plan", f"{folder}/calibration.yaml", "--sweeps", *files]
    given += ["--signals", f"{folder}/signal-rows.csv", "--data", f"{folder}/d.h5"]
    given += ["--out", f"{folder}/6_calibrate"]
    calibrate_choose.main(given)


def test_rows_are_of_training_tasks(folder):
    rows = pd.read_csv(folder / "sweep1.csv")
    assert len(rows) == len(RATES) * 3 and set(rows["task"]) == {3, 5, 9}
    assert rows["learning_rate"].unique().tolist() == RATES
    assert set(rows["seed"]) == {1} and not rows["same_tasks"].any()
    assert (rows["evaluation_episodes"] == 2).all() and (rows["contexts"] == 8).all()
    assert rows["action_change"].iloc[0] < rows["action_change"].iloc[-1]
    gains = rows["tuned"] - rows["initial"]
    assert rows["gain"].tolist() == pytest.approx(gains.tolist())


def test_the_table_has_all_settings_and_one_choice(folder):
    table = pd.read_csv(folder / "6_calibrate/calibration.csv")
    assert len(table) == len(RATES) and table["chosen"].sum() == table["best"].sum() == 1
    both = pd.concat(pd.read_csv(folder / f"sweep{seed}.csv") for seed in (0, 1))
    means = both.groupby("setting")["gain"].mean()
    assert table["gain"].tolist() == pytest.approx(means.tolist(), rel=1e-4, abs=1e-4)
    # Two episodes of each of three tasks on two backbones; tuning plays none.
    assert (table["calibration_episodes"] == 12).all()
    assert (table["tuning_episodes"] == 0).all()
    # The paper's rate moves no action, so it does not count.
    assert table["paper"].tolist() == [True] + [False] * 5
    assert not table["tunes"][0] and not table["chosen"][0]


def test_choices_are_those_of_the_table(folder):
    choices = yaml.safe_load((folder / "6_calibrate/choices.yaml").read_text())
    table = pd.read_csv(folder / "6_calibrate/calibration.csv")
    rate = RATES[table["chosen"].idxmax()]
    assert choices == {"cheetah-vel": {"soft-prompt": {"learning_rate": rate}}}
    page = (folder / "6_calibrate/calibration.md").read_text()
    assert f"| soft-prompt | learning_rate {rate:g} |" in page


def test_all_files_and_their_record_are_written(folder):
    for name in (
        *OUTPUTS.split(),
        "signal.csv",
        "headroom.csv",
        "calibration.provenance.json",
    ):
        assert (folder / "6_calibrate" / name).stat().st_size, name


def test_the_signal_is_of_both_backbones(folder):
    rows = pd.read_csv(folder / "signal-rows.csv")
    assert len(rows) == 4 and set(rows["task"]) == {3, 5}
    (summary,) = pd.read_csv(folder / "6_calibrate/signal.csv").itertuples()
    assert (summary.backbones, summary.tasks, summary.resets) == (2, 2, 2)
    assert summary.cosine == pytest.approx(rows["cosine"].mean(), rel=1e-4)


def test_the_headroom_is_that_of_the_tuned_tasks(folder):
    rows = pd.concat(pd.read_csv(folder / f"sweep{seed}.csv") for seed in (0, 1))
    (found,) = pd.read_csv(folder / "6_calibrate/headroom.csv").itertuples()
    tasks = [task_data(task) for task in (3, 5, 9)]
    first, expert = (sum(t.returns[end] for t in tasks) / 3 for end in (0, -1))
    untuned = rows[rows["setting"] == 0]["initial"].mean()
    assert (found.suite, found.backbones, found.tasks) == ("cheetah-vel", 2, 3)
    expected = [first, untuned, expert, expert - untuned]
    values = [found.first, found.untuned, found.expert, found.headroom]
    assert values == pytest.approx(expected, rel=1e-4)
    page = (folder / "6_calibrate/calibration.md").read_text()
    assert "Headroom on the tuned tasks" in page


def test_sweeps_of_other_settings_are_refused(folder, tmp_path):
    values = {"learning_rate": [*RATES[:5], 2.0]}
    method = {**PLAN["methods"]["soft-prompt"], "values": values}
    plan = {**PLAN, "methods": {"soft-prompt": method}}
    (tmp_path / "calibration.yaml").write_text(yaml.safe_dump(plan))
    rows = pd.read_csv(folder / "sweep0.csv")
    grid = read_plan(tmp_path).methods["soft-prompt"]
    with pytest.raises(TrajpromptError, match="found another setting 5"):
        calibrate_choose.cell_table("cheetah-vel", "soft-prompt", rows, grid)


def test_one_file_per_seed_is_required(folder):
    given = [*arguments(folder), "--seed", "0", "1"]
    with pytest.raises(TrajpromptError, match="1 files for 2 seeds"):
        calibrate_signal.main([*given, "--backbone-file", f"{folder}/b.safetensors"])
