"""Snapshots of weights during fine-tuning: taken, stored, and played as a curve."""

import dataclasses

import h5py
import numpy as np
import pytest
import torch

from support.fake_rollouts import ROWS, SETTINGS, adaptation, backbone, played, select
from support.stopping import Stopped, interrupt
from support.tuning_problem import make_problem
from trajprompt.adaptations.read import read_adaptation
from trajprompt.adaptations.write import write_adaptation
from trajprompt.artifacts.checkpoint import Checkpoint
from trajprompt.errors import TrajpromptError
from trajprompt.rollout.evaluation import evaluate_cell
from trajprompt.settings.options import parse_options
from trajprompt.tuning.finetuning import FinetuneOptions
from trajprompt.tuning.methods.adaptor import AdaptorOptions
from trajprompt.tuning.registry import get_method

__all__ = ["played"]  # a fixture
OPTIONS = {
    "full-finetune": FinetuneOptions(
        iterations=3, steps_per_iteration=2, batch=4, learning_rate=1e-3, snapshots=[1, 2]
    ),
    "adaptor": AdaptorOptions(
        iterations=3, steps_per_iteration=2, batch=4, bottleneck=4, snapshots=[2]
    ),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_a_snapshot_equals_the_result_of_a_shorter_tuning(name):
    method = get_method(name)
    full = method.tune(make_problem(), OPTIONS[name])
    assert sorted(full.snapshots) == OPTIONS[name].snapshots
    for iteration, rows in full.snapshots.items():
        options = dataclasses.replace(OPTIONS[name], iterations=iteration, snapshots=[])
        shorter = method.tune(make_problem(), options)
        assert shorter.snapshots == {}
        for row, weights in rows.items():
            assert set(weights) == set(full.weights[row])
            for key, tensor in weights.items():
                assert torch.equal(tensor, shorter.weights[row][key]), (row, key)


def test_snapshots_change_nothing_else():
    method, options = get_method("full-finetune"), OPTIONS["full-finetune"]
    kept = method.tune(make_problem(), options)
    plain = method.tune(make_problem(), dataclasses.replace(options, snapshots=[]))
    for row, weights in plain.weights.items():
        assert all(torch.equal(kept.weights[row][key], weights[key]) for key in weights)


def test_snapshots_are_stored_and_read(tmp_path):
    problem = make_problem()
    made = get_method("full-finetune").tune(problem, OPTIONS["full-finetune"])
    write_adaptation(tmp_path / "a.h5", problem, made, {})
    stored = read_adaptation(tmp_path / "a.h5")
    assert sorted(stored.snapshots) == [1, 2]
    for iteration, rows in made.snapshots.items():
        for row, weights in rows.items():
            for key, tensor in weights.items():
                assert torch.equal(stored.snapshots[iteration][row][key], tensor)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda file: file["snapshots/000001"].pop("row0001"), "weights of 2 rows"),
        (
            lambda file: file.create_group("snapshots/x"),
            "snapshots/x: found an unexpected group",
        ),
        (lambda file: file.move("snapshots/000002", "snapshots/000009"), "iteration 9"),
    ],
)
def test_damaged_snapshots_are_named(tmp_path, damage, message):
    problem = make_problem()
    made = get_method("full-finetune").tune(problem, OPTIONS["full-finetune"])
    write_adaptation(tmp_path / "a.h5", problem, made, {})
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        damage(file)
    with pytest.raises(TrajpromptError, match=message):
        read_adaptation(tmp_path / "a.h5")


def test_a_resumed_tuning_has_the_same_snapshots(tmp_path):
    target = tmp_path / "seed0.h5"

    def tune(checkpoint):
        problem = dataclasses.replace(make_problem(), checkpoint=checkpoint)
        return get_method("full-finetune").tune(problem, OPTIONS["full-finetune"])

    interrupt(Stopped(target, 1), tune)
    for file, checkpoint in (("a", Checkpoint()), ("b", Checkpoint(target, "test"))):
        write_adaptation(tmp_path / file, make_problem(), tune(checkpoint), {})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [([wrong], "an integer") for wrong in (True, "1", 1.0)]
    + [(wrong, "iterations from 1 to 2") for wrong in ([3], [0], [1, 1])],
)
def test_wrong_snapshots_are_named(wrong, expected):
    with pytest.raises(TrajpromptError, match=f"snapshots.*{expected}"):
        parse_options(FinetuneOptions, {"iterations": 3, "snapshots": wrong}, "config")


def test_the_curve_begins_with_the_backbone_and_ends_with_the_last(played):
    tuned = {row: row + 1 for row in range(ROWS)}
    halfway = {row: row + 11 for row in range(ROWS)}
    same = {"best": adaptation().last, "curve": {}}
    stored = adaptation(weights=tuned, snapshots={1: halfway}, **same)
    entries = evaluate_cell(SETTINGS, backbone(), stored)
    for row, (task, prompt) in enumerate([(2, 0), (2, 1), (7, 0)]):
        curve = select(entries, task=task, prompt=prompt, checkpoint="curve")
        models = {entry["iteration"]: entry["return"] // 1000 for entry in curve}
        assert models == {0: 0, 1: row + 11, 2: row + 1}
        # The backbone plays the initial prompt, which a prefix replaces in the last.
        values = {entry["iteration"]: entry["return"] % 1000 for entry in curve}
        assert row <= values[0] < row + 2 and row + 20 <= values[1] < row + 22
        last = select(entries, task=task, prompt=prompt, checkpoint="last")
        ends = [entry["return"] for entry in curve if entry["iteration"] == 2]
        assert ends == [entry["return"] for entry in last]
    # The backbone plays all rows together; every tuned model plays one row.
    assert [len(call.seeds) for call in played].count(4 * ROWS) == 1
    assert len(played) == 1 + 2 * ROWS


def test_methods_without_snapshots_have_no_curve(played):
    stored = adaptation(weights={row: 1 for row in range(ROWS)}, curve={})
    entries = evaluate_cell(SETTINGS, backbone(), stored)
    assert not select(entries, checkpoint="curve")
    assert np.isfinite([entry["return"] for entry in entries]).all()
