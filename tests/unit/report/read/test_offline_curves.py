"""Curves of offline algorithms, and whether they still rise."""

from dataclasses import replace

import pandas as pd
import pytest

from support import report_run
from trajprompt.report.numbers.contrasts import rise
from trajprompt.report.read.cells import Entry
from trajprompt.report.read.offline_curves import read_learning
from trajprompt.report.read.run import load_run
from trajprompt.tasks.registry import get_suite

STEPS = [100, 200, 300, 400, 500, 600]


def curve(folder, seed, scores):
    """A file with these D4RL scores of hopper by update."""
    low, high = get_suite("hopper-medium").score_range
    returns = [low + score / 100 * (high - low) for score in scores]
    path = folder / "hopper-medium/iql" / f"seed{seed}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame({"step": STEPS, "return": returns}).to_csv(path, index=False)
    return path


@pytest.fixture
def made(tmp_path):
    return report_run.make_run(tmp_path)


def test_scores_are_read_by_suite_and_algorithm(tmp_path):
    paths = [curve(tmp_path, seed, [0, 10, 20, 30, 40, 50]) for seed in (0, 1)]
    (key,) = found = read_learning(paths)
    assert key == ("hopper-medium", "iql")
    assert found[key]["seed"].tolist() == [0] * 6 + [1] * 6
    assert found[key]["score"].tolist() == pytest.approx([0, 10, 20, 30, 40, 50] * 2)


def test_a_curve_without_played_episodes_has_no_score(tmp_path):
    path = curve(tmp_path, 0, [0] * 6)
    pd.DataFrame({"step": STEPS, "actor_loss": 1.0}).to_csv(path, index=False)
    assert list(read_learning([path])["hopper-medium", "iql"]) == ["step", "seed"]


def test_the_rise_is_that_of_the_last_third(tmp_path, made):
    scores = [[0, 0, 0, 10, 20, 30], [0, 0, 0, 10, 10, 10]]
    paths = [curve(tmp_path, seed, values) for seed, values in enumerate(scores)]
    run = load_run(made.settings, made.evaluations, made.stores, offline=paths)
    entry = Entry("iql", "IQL", "offline-iql", "none", backbone="iql")
    run = replace(run, entries=(entry,), seeds=(0, 1))
    found = rise("iql", "hopper-medium", run)
    assert found is not None
    assert found.mean == pytest.approx((20 + 0) / 2)  # updates 400 to 600
