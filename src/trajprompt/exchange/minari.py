"""Minari datasets by Minari's library, in both directions: one dataset per task.

What Minari has no place for (the suite, the goal, attributes, the behaviour's step) stands
under ``trajprompt`` in a dataset's metadata and at its episodes, and comes back from there.
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

OWN = "trajprompt"  # key of the metadata
STEP = "behaviour_step"  # attribute of an episode
LARGEST_METADATA = 1 << 20  # bytes; Minari's own have some 3,000
DISLIKES = (*DAMAGE, AssertionError)
REMEDY = "make it again, for instance with `trajprompt export`"


def read(path: Path, suite: "Suite") -> Source:
    """All episodes of the dataset in the folder ``path``, in its order."""
    data = path / "data" if (path / "data").is_dir() else path
    claimed, own = _checked_metadata(data, suite)
    numbers = data / "main_data.hdf5"
    with opened(numbers) as file:
        check_tree(file, numbers, REMEDY)
        count = len(file)
    if claimed != count:
        found = f"total_episodes {claimed}"
        raise TrajpromptError(data, found, f"{count}, as there are in {numbers.name}")
    try:
        with limited_memory(numbers):  # Minari reads the file anew
            episodes = _episodes(data, suite)
    except (*DISLIKES, MemoryError) as error:
        found = f"Minari can't read it ({str(error)[:200]})"
        raise TrajpromptError(data, found, "a whole Minari dataset") from error
    files = (numbers, data / "metadata.json")
    return Source(episodes, files, own.get("attributes", {}), own.get("task"))


def _episodes(data: Path, suite: "Suite") -> list[Episode]:
    import minari

    dataset = minari.MinariDataset(data)
    facts = dataset.storage.get_episode_metadata(range(dataset.total_episodes))
    return [
        checked(
            Episode(
                np.asarray(episode.observations)[:-1],
                np.asarray(episode.actions),
                episode.rewards,
                episode.terminations,
                np.asarray(episode.observations)[-1],
                _behaviour_step(fact),
            ),
            suite,
            f"{data}: episode {episode.id}",
        )
        for episode, fact in zip(dataset.iterate_episodes(), facts, strict=True)
    ]


def _checked_metadata(data: Path, suite: "Suite") -> tuple[Any, dict[str, Any]]:
    """(episodes that it claims, what we wrote in it) of what the library may read.

    A dataset without spaces would have the library make its environment, by an entry point
    that the metadata name: any function of any module. Such a dataset is refused.
    """
    path = data / "metadata.json"
    require_source(path)
    if path.stat().st_size > LARGEST_METADATA:
        raise TrajpromptError(path, "more than 1 MiB", "a Minari dataset's metadata")
    metadata = json_object(path.read_bytes(), path, REMEDY)
    spaces = [_box(metadata, f"{kind}_space", path) for kind in ("observation", "action")]
    own = metadata.get(OWN, {"suite": suite.name})
    facts = {
        "data_format": metadata.get("data_format"),
        "spaces": spaces,
        "suite": own.get("suite") if isinstance(own, dict) else None,
    }
    expected = {
        "data_format": "hdf5",
        "spaces": [[suite.state_dim], [suite.action_dim]],
        "suite": suite.name,
    }
    for name, value in expected.items():
        if facts[name] != value:
            raise TrajpromptError(f"{path}: {name}", f"{facts[name]}"[:100], f"{value}")
    _check_attributes(path, own.get("attributes", {}))
    return metadata.get("total_episodes"), own


def _box(metadata: Mapping[str, Any], name: str, path: Path) -> Any:
    """The shape of a space, which is JSON within the JSON, infinities included."""
    try:
        space = json.loads(metadata[name])
        if space["type"] != "Box":
            raise ValueError(f"a {str(space['type'])[:20]}")
        return space["shape"]
    except DAMAGE as error:
        found = f"missing or damaged ({str(error)[:100]})"
        raise TrajpromptError(f"{path}: {name}", found, "a Box") from error


def _check_attributes(path: Path, attributes: Any) -> None:
    plain = isinstance(attributes, dict) and all(
        name.isidentifier()
        and isinstance(value, str | int | float)
        and str(value).isprintable()
        for name, value in attributes.items()
    )
    if not plain:
        raise TrajpromptError(f"{path}: {OWN}", "attributes", "texts and numbers by name")


def _behaviour_step(facts: Mapping[str, Any]) -> int | None:
    value = facts.get(STEP)
    if value is not None and not (isinstance(value, np.integer) and 0 <= value < 2**62):
        raise ValueError(f"{STEP} {str(value)[:40]}")
    return None if value is None else int(value)


def write(
    root: Path, suite: "Suite", task: TaskTrajectories, made_by: Mapping[str, Any]
) -> str:
    """One task as a dataset under the root folder; its id for `minari.load_dataset`.

    ``made_by``: the provenance of the store that it comes from.
    """
    import gymnasium
    import minari

    dataset_id = f"trajprompt/{suite.name}/task{task.task}-v0"
    with _minari_root(root), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that no environment can be made of it
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
        dataset.storage.update_metadata({OWN: about})
        dataset.storage.update_episode_metadata(
            [{STEP: step} for step in task.behaviour_step.tolist()]
        )
    return dataset_id


def _buffers(task: TaskTrajectories) -> list[Any]:
    """Episodes as Minari has them: one observation more than actions."""
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
    """Minari writes where this variable says, which must be absolute for its own sums."""
    name = "MINARI_DATASETS_PATH"
    before = os.environ.get(name)
    os.environ[name] = str(root.resolve())
    try:
        yield
    finally:
        del os.environ[name]
        if before is not None:
            os.environ[name] = before
