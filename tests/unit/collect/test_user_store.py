"""A user's store instead of collected trajectories."""

import dataclasses
import json
from typing import Any

import h5py
import numpy as np
import pytest

from support.configuration import FILE, with_keys
from support.exchange_data import REACH, VEL, stored
from trajprompt.artifacts.atomic import file_hash
from trajprompt.commands.collect import run as collect
from trajprompt.config import derive
from trajprompt.config.checks import splits
from trajprompt.config.load import load_config
from trajprompt.errors import TrajpromptError
from trajprompt.settings.stages import CollectSettings
from trajprompt.trajectories.store import COLUMNS, read_attributes, read_trajectories

DEFAULT = load_config([FILE])
TASKS = sorted({*REACH.train_tasks, *REACH.test_tasks})


def with_store(options: dict[str, object], suite: str = "reach") -> dict[str, Any]:
    """The default configuration with a user's store for a suite.

    The preset's options of the replaced algorithm are still set.
    """
    chosen = {"algorithm": "file", "expert_at_least": None, "random_at_most": None}
    return with_keys({f"collect.{suite}": {**chosen, "options": options}})


def test_a_config_may_name_a_users_store(tmp_path):
    path = stored(tmp_path / "mine.h5", REACH, [*TASKS, 0], [82] * 12)
    chosen = with_store({"path": str(path)})
    settings = derive.settings_for(chosen, CollectSettings, suite="reach")
    assert settings.options == {"path": str(path)}
    out = tmp_path / "trajectories.h5"
    collect(settings, str(out))
    found, given = read_trajectories(out, suite=REACH), read_trajectories(path)
    assert sorted(found) == TASKS
    for task in TASKS:
        assert found[task].attributes == given[task].attributes
        for name in COLUMNS:
            np.testing.assert_array_equal(
                getattr(found[task], name), getattr(given[task], name)
            )
    attributes = read_attributes(out)
    assert attributes["stage"] == "collect"
    assert json.loads(attributes["inputs"]) == {str(path): file_hash(path)}
    with pytest.raises(TrajpromptError, match="collect.reach.expert_at_least"):
        collect(dataclasses.replace(settings, expert_at_least=1e9), str(out))


def test_a_store_of_another_suite(tmp_path):
    train, test = splits(DEFAULT, "cheetah-vel")
    tasks = sorted({*train, *test})
    path = stored(tmp_path / "vel.h5", VEL, tasks, [3] * 10)
    made = derive.collect(with_store({"path": str(path)}, "cheetah-vel"), "cheetah-vel")
    assert (made.algorithm, made.options) == ("file", {"path": str(path)})
    assert made.tasks == tuple(tasks) and made.expert_at_least is None


def expect(options: dict[str, object], *words: str) -> None:
    with pytest.raises(TrajpromptError) as caught:
        with_store(options)
    for word in words:
        assert word in str(caught.value)


def test_an_invalid_store_is_an_error_before_any_job(tmp_path):
    key, path = "collect.reach.options.path", tmp_path / "mine.h5"
    expect({"path": str(path)}, key, "mine.h5, which is not a file", "trajprompt import")
    path.write_text("no store")
    expect({"path": str(path)}, key, "damaged or not HDF5")
    stored(path, VEL, [1], [5])
    expect({"path": str(path)}, key, "a store of suite cheetah-vel; expected suite reach")
    stored(path, REACH, TASKS[1:], [82])
    expect({"path": str(path)}, key, "found no task 1;", "all tasks of the run")
    stored(path, REACH, TASKS, [82] * 3)
    expect({"path": str(path)}, "at most 3, the number of episodes per task of reach")
    with h5py.File(stored(path, REACH, TASKS, [82] * 12), "r+") as file:
        file["task_1"].attrs["goal"] = [0.0, 0.0, 0.0]
    expect({"path": str(path)}, key, "task_1: goal", "the goal of the suite's task")


def test_invalid_options_of_a_store(tmp_path):
    wrong = {"path": str(tmp_path), "pth": "x"}
    expect(wrong, "collect.reach.options.pth", "unknown key", "path")
    expect({}, "collect.reach.options.path", "nothing", "str")
