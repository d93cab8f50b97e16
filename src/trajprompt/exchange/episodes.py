"""Imported episodes: checked against their suite and joined into a task's buffer."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from trajprompt.errors import TrajpromptError
from trajprompt.trajectories.episodes import (
    FINAL_OBSERVATIONS,
    REPEATED,
    TaskTrajectories,
)

if TYPE_CHECKING:
    from trajprompt.tasks.suites import Suite

# Rounding error of an action that was clipped in another precision.
ACTION_SLACK = 1e-5
REMEDY = "correct the data, then run `trajprompt import` again"
FROM_NEXT = "the last of next_observations"


@dataclass(frozen=True)
class Episode:
    """T steps of one episode, of any numeric type until it is `checked`."""

    observations: np.ndarray  # (T, S), before each action
    actions: np.ndarray  # (T, A)
    rewards: np.ndarray  # (T,)
    terminations: np.ndarray  # (T,) flags
    final_observation: np.ndarray  # (S,), after the last action
    behaviour_step: int | None = None  # None: number of earlier steps of the task


@dataclass(frozen=True)
class Source:
    """Episodes of one file or folder, in time order, with its metadata."""

    episodes: Sequence[Episode]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    task: int | None = None  # None: not given by the file
    # Numbers of episodes by name, for the user and the store; sums over a task's sources.
    counts: Mapping[str, int] = field(default_factory=dict)


def checked(episode: Episode, suite: "Suite", where: str) -> Episode:
    """Return the episode in float32; raise TrajpromptError if it does not fit the suite.

    Rewards and flags may be (T,) or (T, 1).
    """
    steps = len(episode.observations) if episode.observations.ndim else 0
    if not 1 <= steps <= suite.horizon:
        expected = f"1 to {suite.horizon} steps, the horizon of {suite.name}"
        found = f"found an episode of {steps} steps"
        raise TrajpromptError(where, found, expected, REMEDY)
    shapes = {
        "observations": (steps, suite.state_dim),
        "actions": (steps, suite.action_dim),
        "rewards": (steps,),
        "final_observation": (suite.state_dim,),
    }
    flat = replace(episode, rewards=_flat(episode.rewards))
    floats: dict[str, Any] = {
        name: _floats(f"{where}: {name}", getattr(flat, name), shape)
        for name, shape in shapes.items()
    }
    terminations = checked_flags(f"{where}: terminations", episode.terminations, steps)
    largest = float(np.abs(floats["actions"]).max())
    if largest > 1 + ACTION_SLACK:
        expected = "values within [-1, 1], the simulators' range"
        found, remedy = f"found magnitude {largest:.6g}", "rescale or clip the actions"
        raise TrajpromptError(f"{where}: actions", found, expected, remedy)
    return replace(episode, terminations=terminations, **floats)


def join(
    suite: "Suite", task: int, sources: Sequence[Source], attributes: Mapping[str, Any]
) -> TaskTrajectories:
    """Join the episodes of a task in the order of ``sources``, which is time order.

    Of the attributes of sources, those that are equal in all of them are kept, the sums of
    their ``counts``, and that final observations of one are `REPEATED`.
    """
    episodes = [episode for source in sources for episode in source.episodes]
    ends = np.cumsum([len(episode.rewards) for episode in episodes])
    starts = ends - [len(episode.rewards) for episode in episodes]
    steps = [episode.behaviour_step for episode in episodes]
    # Each source counts its steps from 0, so the counts of several sources are not used.
    given = None not in steps and len(sources) == 1
    shared = set.intersection(*(set(source.attributes.items()) for source in sources))
    given_by_sources = dict(sorted(shared))
    if any(one.attributes.get(FINAL_OBSERVATIONS) == REPEATED for one in sources):
        given_by_sources[FINAL_OBSERVATIONS] = REPEATED
    for name in sorted({name for source in sources for name in source.counts}):
        given_by_sources[name] = sum(source.counts.get(name, 0) for source in sources)
    return TaskTrajectories(
        task=task,
        goal=suite.goals[task].copy(),
        observations=np.concatenate([episode.observations for episode in episodes]),
        actions=np.concatenate([episode.actions for episode in episodes]),
        rewards=np.concatenate([episode.rewards for episode in episodes]),
        terminations=np.concatenate([episode.terminations for episode in episodes]),
        episode_ends=ends,
        final_observations=np.stack([episode.final_observation for episode in episodes]),
        behaviour_step=np.array(steps if given else starts, np.int64),
        attributes={**attributes, **given_by_sources},
    )


def require_last_step_only(where: str, flags: np.ndarray) -> None:
    """Raise if a step before the last one of an episode is flagged as terminal."""
    early = np.flatnonzero(flags[:-1])
    if len(early):
        found = f"step {early[0] + 1} of {len(flags)} is flagged as the last"
        raise TrajpromptError(where, found, "a flag on the last step only", REMEDY)


def drop_time_limit(flags: np.ndarray, suite: "Suite") -> np.ndarray:
    """Flags as terminations, without a flag at the horizon, which is a time limit."""
    return flags.astype(bool) if len(flags) < suite.horizon else np.zeros(len(flags), bool)


def spans(ends: np.ndarray) -> Iterator[tuple[int, int]]:
    """Yield (first, end) rows of each episode, from the mask of last steps."""
    last = np.flatnonzero(ends) + 1
    first = np.concatenate([[0], last])[:-1]
    return zip(first.tolist(), last.tolist(), strict=True)


def checked_flags(where: str, values: np.ndarray, steps: int) -> np.ndarray:
    """Bools (steps,) from flags (steps,) or (steps, 1) of any numeric type.

    Raises TrajpromptError for other shapes, types and values than 0 and 1.
    """
    flat, expected = _flat(values), f"{steps} flags of 0 or 1"
    if flat.shape != (steps,) or flat.dtype.kind not in "biuf":
        found = f"found type {values.dtype}, shape {values.shape}"
        raise TrajpromptError(where, found, expected, REMEDY)
    wrong = ~np.isin(flat, (0, 1))
    if wrong.any():
        found = f"found {flat[wrong][0]} at step {int(wrong.argmax()) + 1}"
        raise TrajpromptError(where, found, expected, REMEDY)
    return flat.astype(bool)


def _flat(values: np.ndarray) -> np.ndarray:
    """Reshape (T, 1) to (T,); files have either."""
    return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values


def _floats(where: str, values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    if values.shape != shape or values.dtype.kind not in "biuf":
        found = f"found type {values.dtype}, shape {values.shape}"
        raise TrajpromptError(where, found, f"numbers of shape {shape}", REMEDY)
    with np.errstate(over="ignore"):  # overflow is reported below
        made = values.astype(np.float32)
    bad = ~np.isfinite(made)
    if bad.any():
        found = f"found {int(bad.sum())} values that are not finite"
        raise TrajpromptError(where, found, "finite values", REMEDY)
    return made
