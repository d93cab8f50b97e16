"""Import and export of Minari datasets, one dataset per task, with Minari's library.

Minari has no fields for the suite, the goal, attributes and the behaviour's step. They are
stored in the metadata of the dataset (key ``trajprompt``) and of its episodes.
"""

import json
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trajprompt.artifacts.hdf5_checks import DAMAGE, check_tree
from trajprompt.errors import TrajpromptError
from trajprompt.exchange.episodes import Episode, Source, checked
from trajprompt.exchange.hdf5 import limited_memory, opened
from trajprompt.exchange.sources import require_source
from trajprompt.settings.parsing import json_object
from trajprompt.trajectories.episodes import TaskTrajectories

if TYPE_CHECKING:
    from trajprompt.tasks.suites import Suite

METADATA_KEY = "trajprompt"
STEP = "behaviour_step"  # attribute of an episode
LARGEST_METADATA = 1 << 20  # bytes; Minari writes about 3,000
UNREADABLE = (*DAMAGE, AssertionError)
REMEDY = "recreate it, for instance with `trajprompt export`"


def inputs(path: Path) -> tuple[Path, ...]:
    """Files of the dataset in the folder ``path``; TrajpromptError if one is missing."""
    data = path / "data" if (path / "data").is_dir() else path
    files = (data / "main_data.hdf5", data / "metadata.json")
    for file in reversed(files):
        require_source(file)
    return files


def read(path: Path, suite: "Suite") -> Source:
    """Read all episodes of the dataset in the folder ``path``, in its order.

    Raises TrajpromptError if the dataset is invalid or of another suite.
    """
    main_data, _ = inputs(path)
    data = main_data.parent
    claimed, ours = _checked_metadata(data, suite)
    with opened(main_data) as file:
        check_tree(file, main_data, REMEDY)
        count = len(file)
    if claimed != count:
        found = f"found total_episodes {claimed}"
        expected = f"{count}, the number of episodes in {main_data.name}"
        raise TrajpromptError(data, found, expected, REMEDY)
    try:
        with limited_memory(main_data):  # Minari opens the file itself
            episodes = _episodes(data, suite)
    except (*UNREADABLE, MemoryError) as error:
        found = f"Minari cannot read it ({str(error)[:200]})"
        raise TrajpromptError(data, found, "an intact dataset", REMEDY) from error
    return Source(episodes, ours.get("attributes", {}), ours.get("task"))


def _episodes(data: Path, suite: "Suite") -> list[Episode]:
    import minari

    dataset = minari.MinariDataset(data)
    metadata = dataset.storage.get_episode_metadata(range(dataset.total_episodes))
    return [
        checked(
            Episode(
                np.asarray(episode.observations)[:-1],
                np.asarray(episode.actions),
                episode.rewards,
                episode.terminations,
                np.asarray(episode.observations)[-1],
                _behaviour_step(about),
            ),
            suite,
            f"{data}: episode {episode.id}",
        )
        for episode, about in zip(dataset.iterate_episodes(), metadata, strict=True)
    ]


def _checked_metadata(data: Path, suite: "Suite") -> tuple[Any, dict[str, Any]]:
    """(claimed number of episodes, our metadata) of a dataset that is safe to open.

    If a dataset has no spaces, Minari makes its environment from an entry point in the
    metadata, which can be any function of any module. Such a dataset is rejected.
    """
    path = data / "metadata.json"
    require_source(path)
    if path.stat().st_size > LARGEST_METADATA:
        limit = "at most 1 MiB of metadata"
        raise TrajpromptError(path, "found more than 1 MiB", limit, REMEDY)
    metadata = json_object(path.read_bytes(), path, REMEDY)
    spaces = [_box(metadata, f"{kind}_space", path) for kind in ("observation", "action")]
    ours = metadata.get(METADATA_KEY, {"suite": suite.name})
    actual = {
        "data_format": metadata.get("data_format"),
        "spaces": spaces,
        "suite": ours.get("suite") if isinstance(ours, dict) else None,
    }
    expected = {
        "data_format": "hdf5",
        "spaces": [[suite.state_dim], [suite.action_dim]],
        "suite": suite.name,
    }
    for name, value in expected.items():
        if actual[name] != value:
            found = f"found {actual[name]}"[:100]
            remedy = f"give a dataset of {suite.name}, or another --suite"
            raise TrajpromptError(f"{path}: {name}", found, f"{value}", remedy)
    _check_attributes(path, ours.get("attributes", {}))
    return metadata.get("total_episodes"), ours


def _box(metadata: Mapping[str, Any], name: str, path: Path) -> Any:
    """Shape of a space, which is stored as JSON text; its bounds may be infinite."""
    try:
        space = json.loads(metadata[name])
        if space["type"] != "Box":
            raise ValueError(f"type {str(space['type'])[:20]}")
        return space["shape"]
    except DAMAGE as error:
        found = f"missing or damaged ({str(error)[:100]})"
        expected = "a space of type Box"
        raise TrajpromptError(f"{path}: {name}", found, expected, REMEDY) from error


def _check_attributes(path: Path, attributes: Any) -> None:
    valid = isinstance(attributes, dict) and all(
        name.isidentifier()
        and isinstance(value, str | int | float)
        and str(value).isprintable()
        for name, value in attributes.items()
    )
    if not valid:
        where, found = f"{path}: {METADATA_KEY}", "found invalid attributes"
        expected = "strings and numbers, by name"
        raise TrajpromptError(where, found, expected, REMEDY)


def _behaviour_step(metadata: Mapping[str, Any]) -> int | None:
    value = metadata.get(STEP)
    if value is not None and not (isinstance(value, np.integer) and 0 <= value < 2**62):
        raise ValueError(f"{STEP} {str(value)[:40]}")
    return None if value is None else int(value)


def write(
    root: Path, suite: "Suite", task: TaskTrajectories, made_by: Mapping[str, Any]
) -> str:
    """Write one task as a dataset under ``root``; return its id in Minari.

    ``made_by`` is the provenance of the store that the task comes from.
    """
    import gymnasium
    import minari

    dataset_id = f"trajprompt/{suite.name}/task{task.task}-v0"
    with _minari_root(root), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the dataset's missing environment
        dataset = minari.create_dataset_from_buffers(
            dataset_id,
            _buffers(task),
            observation_space=gymnasium.spaces.Box(
                -np.inf, np.inf, (suite.state_dim,), np.float32
            ),
            action_space=gymnasium.spaces.Box(-1, 1, (suite.action_dim,), np.float32),
            algorithm_name=str(task.attributes.get("algorithm", "unknown")),
            author="trajprompt",
            description=f"Task {task.task} of trajprompt's suite {suite.name},"
            f" goal {task.goal.tolist()} {suite.goal_unit}, in the order of collection.",
            data_format="hdf5",
        )
        about = {"suite": suite.name, "task": task.task, "goal": task.goal.tolist()}
        about |= {"attributes": dict(task.attributes), "store": dict(made_by)}
        dataset.storage.update_metadata({METADATA_KEY: about})
        dataset.storage.update_episode_metadata(
            [{STEP: step} for step in task.behaviour_step.tolist()]
        )
    return dataset_id


def _buffers(task: TaskTrajectories) -> list[Any]:
    """Episodes in Minari's format: one more observation than actions."""
    from minari.data_collector import EpisodeBuffer

    buffers = []
    bounds = zip(task.starts.tolist(), task.episode_ends.tolist(), strict=True)
    for index, (first, end) in enumerate(bounds):
        terminations = task.terminations[first:end]
        truncations = np.zeros(end - first, bool)
        truncations[-1] = not terminations[-1]
        states = [task.observations[first:end], task.final_observations[index : index + 1]]
        buffers.append(
            EpisodeBuffer(
                id=index,
                observations=np.concatenate(states),
                actions=task.actions[first:end],
                rewards=task.rewards[first:end],
                terminations=terminations,
                truncations=truncations,
            )
        )
    return buffers


@contextmanager
def _minari_root(root: Path) -> Iterator[None]:
    """Set the folder that Minari writes to, as an absolute path, which Minari requires."""
    name = "MINARI_DATASETS_PATH"
    before = os.environ.get(name)
    os.environ[name] = str(root.resolve())
    try:
        yield
    finally:
        del os.environ[name]
        if before is not None:
            os.environ[name] = before
