"""Learning curves: collections, teachers, offline algorithms."""

import h5py
import numpy as np
import pandas as pd
import pytest

from support import report_run
from trajprompt.artifacts.hdf5_attributes import write_attributes
from trajprompt.collect.mlp_policy import MlpPolicy
from trajprompt.collect.teacher import Snapshot, Teacher, save_teacher
from trajprompt.report.numbers.learning import collection_table, teacher_table
from trajprompt.report.plots.learning import draw_offline, draw_teachers
from trajprompt.tasks.registry import get_suite


def policy():
    one = np.ones
    return MlpPolicy((one((11, 3)),), (one(3),), one(11), one(11), one(()), one(3))


@pytest.fixture
def taught(tmp_path):
    """A teacher of four snapshots, whose medium policy is also its expert."""
    low, high = get_suite("hopper-medium").score_range
    returns = [low + score / 100 * (high - low) for score in (1, 20, 50, 40)]
    snapshots = [Snapshot(100 * n, r, r + 1, policy()) for n, r in enumerate(returns)]
    path = tmp_path / "policies.safetensors"
    save_teacher(path, Teacher("hopper", tuple(snapshots), 2, 2), {})
    return path


def test_a_teachers_table_has_scores_and_all_levels_of_a_snapshot(taught):
    table = teacher_table([taught])
    assert table["steps"].tolist() == [0, 100, 200, 300]
    assert table["score"].tolist() == pytest.approx([1, 20, 50, 40])
    assert (table["mean_action_score"] > table["score"]).all()
    assert table["level"].tolist() == ["random", "", "medium, expert", ""]


def test_the_collection_leaves_out_levels(tmp_path):
    stores = [report_run.write_store(tmp_path, name) for name in ("reach", "ant-dir")]
    assert set(collection_table(stores)["suite"]) == {"reach", "ant-dir"}
    level = tmp_path / "level.h5"
    level.write_bytes(stores[0].read_bytes())
    with h5py.File(level, "r+") as file:
        del file.attrs["suite"]
        write_attributes(file, {"suite": "hopper-medium"})
    assert collection_table([level]).empty


def test_figures_of_teachers_and_algorithms_are_drawn(taught, tmp_path):
    draw_teachers(teacher_table([taught]), tmp_path / "teachers")
    rows = {"suite": "hopper-medium", "algorithm": "bc", "data": 40.0, "seed": 0}
    curve = pd.DataFrame({"step": [10, 20], "score": [1.0, 2.0]}).assign(**rows)
    draw_offline(curve, {"bc": "BC"}, tmp_path / "curves")
    draw_offline(pd.DataFrame(), {}, tmp_path / "none")
    for name in ("teachers", "curves", "none"):
        assert (tmp_path / f"{name}.svg").stat().st_size > 1000
