"""Sweep over a tuning method's options, judged on fresh episodes."""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from trajprompt.adaptations.adaptation import Adaptation, HistoryRow
from trajprompt.errors import TrajpromptError
from trajprompt.rollout.plays import Play, PlaySettings, play
from trajprompt.seeds import integers, stream
from trajprompt.tuning.action_change import action_change
from trajprompt.tuning.protocol import Method, TuningProblem

if TYPE_CHECKING:
    from torch import Tensor

    from trajprompt.trajectories.segments import Segments

    Weights = Mapping[int, Mapping[str, Tensor]]  # row -> tuned state dict
    Policies = tuple["Segments | None", "Weights | None"]  # of all rows


GridPoint = dict[str, Any]  # option -> value
Candidate = tuple[GridPoint, Any]  # a grid point and the method's options with it


@dataclass(frozen=True)
class Trial:
    """Result of one grid point; ``initial`` and ``tuned`` are paired by row and reset."""

    choice: GridPoint
    initial: np.ndarray  # (R,) mean returns of the initial prompts
    tuned: np.ndarray  # (R,) of the last iterates; NaN if tuning failed
    action_change: np.ndarray  # (R,) see `action_change`
    displacement: np.ndarray  # (R,) distance of the last prompt from the initial one
    evaluation_episodes: int  # fresh ones of each row, for ``tuned``
    tuning_episodes: int = 0  # that the method played for each row
    contexts: int = 0  # that its loss read for each row, repetitions included

    @property
    def gains(self) -> np.ndarray:
        """Return the gains (R,) over the initial prompts."""
        return self.tuned - self.initial


def sweep(
    problem: TuningProblem,
    method: Method,
    candidates: Sequence[Candidate],
    episodes: int,
    resets: tuple[int, int],
) -> list[Trial]:
    """Tune with every candidate, then play all prompts together.

    ``resets`` are run seed and seed. A candidate whose tuning fails has NaN as returns.
    """
    found = [_tuned(problem, method, *candidate) for candidate in candidates]
    policies: list[Policies] = [(problem.require_prompts(), None)]
    policies += [(one.last, one.weights) for one in found if one is not None]
    initial, *played = fresh_returns(problem, policies, episodes, resets)
    count = episodes_of(problem, episodes)
    tuned, trials = iter(played), []
    for (choice, options), adaptation in zip(candidates, found, strict=True):
        if adaptation is None:
            unknown = np.full(len(initial), np.nan)
            trials.append(Trial(choice, initial, unknown, unknown, unknown, count))
            continue
        last = _ends(adaptation.history).values()
        trial = Trial(
            choice,
            initial,
            next(tuned),
            action_change(problem, adaptation),
            np.array([entry.displacement for entry in last]),
            count,
            tuning_episodes=episodes_played(adaptation),
            contexts=contexts_read(options),
        )
        trials.append(trial)
    return trials


def _tuned(
    problem: TuningProblem, method: Method, choice: GridPoint, options: Any
) -> Adaptation | None:
    """Return the result of one candidate; None if it diverged, which is reported."""
    try:
        return method.tune(problem, options)
    except TrajpromptError as error:
        print(f"{choice}: {error}", file=sys.stderr)
        return None


def rows_of(
    trials: Sequence[Trial], tasks: Iterable[int], prompts: Iterable[int]
) -> Iterator[dict[str, Any]]:
    """Yield one row of a table per trial and row of the problem."""
    for number, trial in enumerate(trials):
        for row, (task, prompt) in enumerate(zip(tasks, prompts, strict=True)):
            yield {
                "setting": number,
                **trial.choice,
                "task": int(task),
                "prompt": int(prompt),
                "initial": float(trial.initial[row]),
                "tuned": float(trial.tuned[row]),
                "gain": float(trial.gains[row]),
                "action_change": float(trial.action_change[row]),
                "displacement": float(trial.displacement[row]),
                "evaluation_episodes": trial.evaluation_episodes,
                "tuning_episodes": trial.tuning_episodes,
                "contexts": trial.contexts,
            }


def episodes_played(adaptation: Adaptation) -> int:
    """Return the episodes per row that a method recorded; 0 if it played none."""
    played = adaptation.extras.get("episode_returns")
    return 0 if played is None else int(played.values.shape[1])


def contexts_read(options: Any) -> int:
    """Return the contexts per row that the loss of a method read, from its options.

    A loss of generated prompts reads ``contexts`` per step, another one ``batch``.
    """
    values = vars(options)
    steps = values.get("iterations", 0) * values.get("steps_per_iteration", 0)
    return int(steps * values.get("contexts", values.get("batch", 0)))


def _ends(history: Sequence[HistoryRow]) -> dict[tuple[int, int], HistoryRow]:
    """Return the last entry of every (task, prompt); ``history`` is in order of time."""
    return {(entry.task, entry.prompt): entry for entry in history}


def episodes_of(problem: TuningProblem, episodes: int) -> int:
    """Return the episodes per prompt: 1 where all resets are equal."""
    return 1 if problem.suite.deterministic_resets else episodes


def fresh_returns(
    problem: TuningProblem,
    policies: "Sequence[Policies]",
    episodes: int,
    resets: tuple[int, int],
) -> np.ndarray:
    """Return the mean returns (policies, R) of prompts and tuned weights of all rows.

    All policies play the same resets. Reset seeds are even, while those of tuning are odd.
    They also differ from evaluation's, because cheetah-dir's training tasks are its test
    tasks. Prompts on the same weights are played together.
    """
    count = episodes_of(problem, episodes)
    tasks = problem.rows.tolist()
    run_seed, seed = resets

    def reset_seeds(task: int) -> np.ndarray:
        sequence = stream(run_seed, "calibrate", problem.suite.name, seed, task)
        return integers(sequence, count) & ~1

    seeds = {task: reset_seeds(task) for task in set(tasks)}
    settings = PlaySettings(
        problem.suite,
        problem.target_return,
        problem.precision,
        problem.engine,
        problem.threads,
    )
    plays = [_plays(tasks, prompts, count) for prompts, _ in policies]
    together: list[Play] = []
    for (_, weights), rows in zip(policies, plays, strict=True):
        for row, one in enumerate(rows):
            if weights is None:
                together.append(one)
            else:
                tuned = problem.backbone.with_weights(weights[row])
                play(settings, tuned, [one], seeds)
    play(settings, problem.backbone, together, seeds)
    return np.array([[np.mean(one.returns) for one in rows] for rows in plays])


def _plays(tasks: Sequence[int], prompts: "Segments | None", count: int) -> list[Play]:
    """Return a play of ``count`` episodes of every row's prompt."""
    return [
        Play(task, None if prompts is None else prompts.select(row), count)
        for row, task in enumerate(tasks)
    ]
