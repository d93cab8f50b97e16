"""Random play compared with Gymnasium's environments, and its file."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from support.gymnasium_reference import expected_reward, gymnasium_environments, place
from support.paths import CONFIG, preset
from trajprompt.artifacts.records import read_record, record_path
from trajprompt.cli import main
from trajprompt.commands.inspect import describe
from trajprompt.commands.random_policy import play, run
from trajprompt.config import derive
from trajprompt.config.load import load_config
from trajprompt.report.read.baselines import read_random_play
from trajprompt.rollout.columns import EVALUATION_COLUMNS
from trajprompt.seeds import integers, stream
from trajprompt.settings.stages import RandomPolicySettings
from trajprompt.tasks.registry import get_suite

SETTINGS = RandomPolicySettings("test", 5, "reach", (6, 9), episodes=3, threads=1)


def play_alone(environment, suite, task, seed, actions):
    """Return and length of an episode of ``actions`` (H, A)."""
    environment.reset(seed=int(seed))
    total, length = 0.0, 0
    for action in actions:
        before = place(environment)
        _, _, terminated, _, _ = environment.step(action)
        total += expected_reward(suite, task, before, place(environment), action)
        length += 1
        if terminated:
            break
    return total, length


@pytest.mark.parametrize(("name", "task"), [("cheetah-vel", 7), ("ant-dir", 17)])
def test_returns_equal_those_of_gymnasium(name, task):
    suite, count = get_suite(name), 3
    played = play(replace(SETTINGS, suite=name, tasks=(task,)), task)
    names = (SETTINGS.run_seed, "random-policy", name, task)
    generator = np.random.default_rng(stream(*names, "actions"))
    shape = (suite.horizon, count, suite.action_dim)
    actions = generator.uniform(-1, 1, shape).astype(np.float32)
    seeds = integers(stream(*names, "resets"), count)
    for row, environment in enumerate(gymnasium_environments(suite, count)):
        found = play_alone(environment, suite, task, seeds[row], actions[:, row])
        assert (played.returns[row], played.lengths[row]) == pytest.approx(found)
    assert name != "ant-dir" or played.lengths.min() < suite.horizon  # some fall


def test_the_file_is_an_evaluation_with_its_record(tmp_path):
    out = tmp_path / "random-policy.csv"
    run(SETTINGS, out)
    table = pd.read_csv(out)
    assert tuple(table.columns) == EVALUATION_COLUMNS
    assert table["task"].tolist() == [6] * 3 + [9] * 3
    # Resets of reach are equal; the actions are not.
    assert table["return"].nunique() == 6 and (table["length"] == 82).all()
    found = read_random_play(out)
    assert (found.suite, found.episodes) == ("reach", 3)
    expected = table.groupby("task")["return"].mean()
    assert found.returns((9, 6)).tolist() == pytest.approx([expected[9], expected[6]])
    record = read_record(record_path(out))
    assert record.stage == "random-policy" and record.inputs == {}
    assert record.hash_of(out) is not None
    assert "episode returns" in describe(out)


def test_returns_of_a_task_do_not_depend_on_the_other_tasks(tmp_path):
    both, alone = tmp_path / "both.csv", tmp_path / "alone.csv"
    settings = replace(SETTINGS, suite="cheetah-vel", tasks=(2, 7))
    run(settings, both)
    run(replace(settings, tasks=(7,), threads=2), alone)
    rows = both.read_text().splitlines()
    assert alone.read_text().splitlines() == [rows[0], *rows[4:]]


def test_the_settings_have_the_test_tasks_and_episodes_of_the_evaluation():
    paper = load_config([CONFIG, preset("paper")])
    made = derive.settings_for(paper, RandomPolicySettings, suite="cheetah-vel")
    assert made.tasks == get_suite("cheetah-vel").test_tasks
    assert made.episodes == paper["evaluate"]["episodes"] == 50


def test_the_command_line(tmp_path, capsys):
    out = tmp_path / "random-policy.csv"
    configs = ["--config", str(CONFIG), str(preset("smoke"))]
    assert (
        main(["random-policy", *configs, "--suite", "cheetah-dir", "--out", str(out)]) == 0
    )
    smoke = load_config(configs[1:])
    assert read_random_play(out).episodes == smoke["evaluate"]["episodes"]
    assert main(["random-policy", *configs, "--suite", "swim", "--out", str(out)]) == 2
    assert "suite 'swim': not in this run" in capsys.readouterr().err
