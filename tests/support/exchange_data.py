"""Small stores, pickles and episodes for the tests of import and export."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from trajprompt.commands import import_data as importing
from trajprompt.errors import TrajpromptError
from trajprompt.tasks.registry import get_suite
from trajprompt.trajectories.episodes import TaskTrajectories
from trajprompt.trajectories.store import write_trajectories

VEL, ANT, REACH = get_suite("cheetah-vel"), get_suite("ant-dir"), get_suite("reach")


def episode(
    suite, length: int, seed: int = 0, reward: float = 0.0
) -> dict[str, np.ndarray]:
    """One episode in the format of the public pickles, in float64."""
    rng = np.random.default_rng([seed, length])
    states = rng.normal(size=(length + 1, suite.state_dim))
    return {
        "observations": states[:-1],
        "next_observations": states[1:],
        "actions": rng.uniform(-1, 1, (length, suite.action_dim)),
        "rewards": rng.normal(size=(length, 1)),
        "terminals": np.arange(1, length + 1) == length,
    }


def pickled(path: Path, episodes: object) -> Path:
    path.write_bytes(pickle.dumps(episodes))
    return path


def imported(tmp_path: Path, form: str, suite, tasks: dict[int, list[Path]]) -> Path:
    out = tmp_path / "store.h5"
    importing.run(form, suite.name, tasks, out)
    return out


def refused(
    tmp_path: Path, form: str, suite, path: Path, match: str, task: int = 6
) -> None:
    with pytest.raises(TrajpromptError, match=match) as caught:
        imported(tmp_path, form, suite, {task: [path]})
    assert str(path) in str(caught.value)
    assert not (tmp_path / "store.h5").exists()


def random_task(suite, task: int, lengths: list[int]) -> TaskTrajectories:
    rng = np.random.default_rng(task)
    rows, ends = sum(lengths), np.cumsum(lengths)
    terminations = np.zeros(rows, bool)
    terminations[ends[::2] - 1] = True
    return TaskTrajectories(
        task=task,
        goal=suite.goals[task].copy(),
        observations=rng.normal(size=(rows, suite.state_dim)).astype("f4"),
        actions=rng.uniform(-1, 1, (rows, suite.action_dim)).astype("f4"),
        rewards=rng.normal(10 * np.repeat(range(len(lengths)), lengths), 1).astype("f4"),
        terminations=terminations,
        episode_ends=ends,
        final_observations=rng.normal(size=(len(lengths), suite.state_dim)).astype("f4"),
        behaviour_step=3 * ends,
        attributes={"algorithm": "sac", "seed": 7, "noise": 0.25},
    )


def stored(path: Path, suite, tasks: list[int], lengths: list[int]) -> Path:
    made = [random_task(suite, task, lengths) for task in tasks]
    write_trajectories(path, suite, made, {"stage": "collect", "run": "theirs"})
    return path
