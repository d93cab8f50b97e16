"""``trajprompt inspect`` on teachers, D4RL stores and policies of offline algorithms."""

import json

import numpy as np
import pytest
import torch

from trajprompt.collect.mlp_policy import MlpPolicy
from trajprompt.collect.teacher import Snapshot, Teacher, save_teacher
from trajprompt.commands.inspect import describe, main, recognise
from trajprompt.errors import TrajpromptError
from trajprompt.inspection.scores import score_section, scored_suite
from trajprompt.models.backbone import Backbone, save_backbone
from trajprompt.models.state_policy import StatePolicy, StatePolicyConfig
from trajprompt.tasks.registry import get_suite
from trajprompt.trajectories.episodes import TaskTrajectories
from trajprompt.trajectories.normaliser import Normaliser
from trajprompt.trajectories.store import write_trajectories

HOPPER = get_suite("hopper-medium-replay")
LOW, HIGH = HOPPER.score_range


def return_of(score):
    return LOW + score / 100 * (HIGH - LOW)


def policy():
    layers = [np.ones((11, 4), np.float32), np.ones((4, 3), np.float32)]
    biases = [np.zeros(4, np.float32), np.zeros(3, np.float32)]
    ones, limit = np.ones(11, np.float32), np.array(10, np.float32)
    log_std = np.zeros(3, np.float32)
    return MlpPolicy(tuple(layers), tuple(biases), ones, ones, limit, log_std)


@pytest.fixture
def teacher(tmp_path):
    """Four policies of scores 0, 40, 90 and 70; the second is medium, the third expert."""
    path = tmp_path / "policies.safetensors"
    snapshots = tuple(
        Snapshot(1000 * number, return_of(score), return_of(0), policy())
        for number, score in enumerate((0, 40, 90, 70))
    )
    save_teacher(path, Teacher("hopper", snapshots, 1, 2), {"stage": "teach"})
    return path


@pytest.fixture
def store(tmp_path):
    """Three episodes of hopper: a fall, an end at the time limit, an unfinished one."""
    path, lengths = tmp_path / "replay.h5", np.array([10, 1000, 20])
    rows, ends = lengths.sum(), lengths.cumsum()
    terminations = np.zeros(rows, bool)
    terminations[9] = True
    task = TaskTrajectories(
        task=0,
        goal=np.zeros(1),
        observations=np.zeros((rows, 11), np.float32),
        actions=np.zeros((rows, 3), np.float32),
        rewards=np.ones(rows, np.float32),
        terminations=terminations,
        episode_ends=ends,
        final_observations=np.zeros((3, 11), np.float32),
        behaviour_step=ends - lengths,
    )
    write_trajectories(path, HOPPER, [task], {"stage": "teach"})
    return path


@pytest.fixture
def learned(tmp_path):
    path = tmp_path / "policy.safetensors"
    config = StatePolicyConfig(11, 3, 8, 1)
    normaliser = Normaliser(torch.zeros(11), torch.ones(11))
    settings = {"updates": 500, "seed": 3, "options": {"expectile": 0.8}}
    made = Backbone(
        "iql-wide", "hopper-medium", StatePolicy(config), normaliser, 1.0, config, "iql"
    )
    save_backbone(path, made, {"settings": json.dumps(settings)})
    return path


def rows_of(printed, title):
    """Cells of the section whose title begins so, without header and note."""
    block = printed.split(title)[1].split("\n\n")[0]
    return [line.split() for line in block.splitlines()[2:-1]]


def test_a_teacher_has_a_row_per_policy_with_its_level(teacher):
    printed = describe(teacher)
    assert "policies.safetensors: teacher, " in printed
    rows = rows_of(printed, "policies, in the order of learning")
    assert [row[1] for row in rows] == ["0", "1,000", "2,000", "3,000"]
    assert [float(row[3]) for row in rows] == pytest.approx([0, 40, 90, 70])
    assert [row[5:] for row in rows] == [["random"], ["medium"], ["expert"], []]
    assert "89 values in each of 4 policies" in printed


def test_the_plot_of_a_teacher_marks_medium_and_expert(teacher, tmp_path):
    out = tmp_path / "scores.svg"
    main([str(teacher), "--plot", str(out)])
    drawn = out.read_text()
    for label in ("medium: score 40.0 at 1,000 steps", "expert: score 90.0 at 2,000 steps"):
        assert label in drawn


def test_a_damaged_teacher_is_one_error(teacher):
    data = teacher.read_bytes()
    teacher.write_bytes(data[:-10])
    with pytest.raises(TrajpromptError, match="according to its header"):
        describe(teacher)
    teacher.write_bytes(data.replace(b'\\"expert\\": 2', b'\\"expert\\": 9'))
    with pytest.raises(TrajpromptError, match="expert 9; expected"):
        describe(teacher)
    teacher.write_bytes(data.replace(b'"hopper\\"', b'"toppie\\"'))
    with pytest.raises(TrajpromptError, match="environment .* expected one of halfcheetah"):
        describe(teacher)


def test_episodes_of_a_level_have_scores_by_their_end(store):
    rows = rows_of(describe(store), "D4RL scores of level medium-replay")
    found = {" ".join(row[:-8]): row[-8:] for row in rows}
    assert [*found] == ["fall", "time limit", "unfinished", "all"]
    assert found["fall"][:3] == ["1", "33.3%", "10.00"]
    score = 100 * (1000 - LOW) / (HIGH - LOW)
    assert float(found["time limit"][3]) == pytest.approx(score, abs=0.01)
    assert found["all"][0] == "3" and found["unfinished"][-1] == "20.00"


def test_only_suites_with_scores_have_them():
    assert scored_suite("hopper-medium") is get_suite("hopper-medium")
    for name in ("reach", "unknown", None):
        assert scored_suite(name) is None


def test_a_terminated_last_step_at_the_limit_is_a_fall():
    limit = np.array([HOPPER.horizon])
    printed = score_section(HOPPER, np.ones(1), limit, np.array([True]))
    ends = [line.split()[0] for line in printed.splitlines()[2:-1]]
    assert ends == ["fall", "all"]


def test_a_policy_has_its_kind_updates_options_and_parameters(learned):
    printed = describe(learned)
    assert recognise(learned) == "backbone"
    head = printed.split("policy of an offline algorithm\n")[1].split("\n\n")[0]
    assert [line.strip() for line in head.splitlines()] == [
        "algorithm: iql-wide",
        "kind: iql",
        "suite: hopper-medium",
        "seed: 3",
        "updates: 500",
        "options: expectile 0.8, others: defaults of iql",
        "parameters: 123",
    ]
