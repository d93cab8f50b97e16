"""Sweep over a tuning method's options, judged on fresh episodes."""

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from trajprompt.adaptations.adaptation import HistoryRow
from trajprompt.artifacts.csv_files import csv_text
from trajprompt.errors import TrajpromptError
from trajprompt.rollout.plays import Play, PlaySettings, play
from trajprompt.seeds import integers, stream
from trajprompt.tuning.protocol import Method, TuningProblem

if TYPE_CHECKING:
    from torch import Tensor

    from trajprompt.trajectories.segments import Segments


GridPoint = dict[str, Any]  # option -> value
Candidate = tuple[GridPoint, Any]  # a grid point and the method's options with it


@dataclass(frozen=True)
class Trial:
    """Result of one grid point; gains are paired with the initial prompts.

    They are paired by task, prompt and reset. A failed trial has only the initial return.
    """

    choice: GridPoint
    initial_return: float
    gain: float = np.nan  # mean over rows of (return of the last iterate - initial return)
    gain_error: float = np.nan  # standard error of the gain over rows
    best_gain: float = np.nan  # gain of the iterate that the method judged best
    worst_row: float = np.nan  # smallest gain of a row
    displacement: float = np.nan  # mean distance of the last prompt from the initial one
    objective_fall: float = np.nan  # mean decrease of the method's objective, start to end
    simulator_steps: int = 0
    seconds: float = np.nan  # CPU time of tuning

    def columns(self) -> dict[str, Any]:
        """Return all values by name, the grid point first."""
        values = dict(vars(self))
        return {**values.pop("choice"), **values}


def sweep(
    problem: TuningProblem,
    method: Method,
    candidates: Sequence[Candidate],
    episodes: int,
    resets: tuple[int, int],
) -> Iterator[Trial]:
    """Yield one trial per candidate; ``resets`` are run seed and seed."""
    initial = fresh_returns(problem, problem.require_prompts(), episodes, resets)
    for choice, options in candidates:
        start = time.process_time()
        try:
            adaptation = method.tune(problem, options)
        except TrajpromptError as error:  # it diverged; continue with the others
            print(f"{choice}: {error}", file=sys.stderr)
            yield Trial(choice, float(initial.mean()))
            continue
        seconds = time.process_time() - start
        assert adaptation.last is not None and adaptation.best is not None
        weights = adaptation.weights
        gains = fresh_returns(problem, adaptation.last, episodes, resets, weights) - initial
        last, rows = _ends(adaptation.history).values(), len(problem.rows)
        best_gains = gains  # the same prompts, unless an earlier iterate was better
        if (adaptation.best_iteration < max(entry.iteration for entry in last)).any():
            found = fresh_returns(problem, adaptation.best, episodes, resets, weights)
            best_gains = found - initial
        yield Trial(
            choice,
            float(initial.mean()),
            gain=float(gains.mean()),
            gain_error=float(gains.std(ddof=1) / np.sqrt(rows)) if rows > 1 else np.nan,
            best_gain=float(best_gains.mean()),
            worst_row=float(gains.min()),
            displacement=float(np.mean([entry.displacement for entry in last])),
            objective_fall=objective_fall(adaptation.history),
            simulator_steps=sum(entry.simulator_steps for entry in last),
            seconds=seconds,
        )


def best(trials: Sequence[Trial]) -> Trial:
    """Return the trial with the largest mean gain; a failed one is the worst."""
    return max(trials, key=lambda trial: np.nan_to_num(trial.gain, nan=-np.inf))


def to_csv(trials: Sequence[Trial]) -> str:
    return csv_text(list(trials[0].columns()), [trial.columns() for trial in trials])


def header(trial: Trial) -> str:
    """Return the column names, aligned with the values of ``line``."""
    return " ".join(f"{name:>{_width(name)}}" for name in trial.columns())


def line(trial: Trial) -> str:
    """Return one trial as aligned text."""
    texts = {name: _text(value) for name, value in trial.columns().items()}
    return " ".join(f"{text:>{_width(name)}}" for name, text in texts.items())


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _width(name: str) -> int:
    return max(15, len(name))


def _ends(history: Sequence[HistoryRow]) -> dict[tuple[int, int], HistoryRow]:
    """Return the last entry of every (task, prompt); ``history`` is in order of time."""
    return {(entry.task, entry.prompt): entry for entry in history}


def objective_fall(history: Sequence[HistoryRow]) -> float:
    """Return the mean over rows of the first judged objective minus the last."""
    judged = [entry for entry in history if np.isfinite(entry.objective)]
    first, last = _ends(judged[::-1]), _ends(judged)
    falls = [first[row].objective - last[row].objective for row in last]
    return float(np.mean(falls)) if falls else np.nan


def fresh_returns(
    problem: TuningProblem,
    prompts: "Segments",
    episodes: int,
    resets: tuple[int, int],
    weights: "Mapping[int, Mapping[str, Tensor]] | None" = None,
) -> np.ndarray:
    """Return the mean returns (R,) of the rows' prompts, and tuned weights, if any.

    Reset seeds are even, while those of tuning are odd. They also differ from evaluation's,
    because cheetah-dir's training tasks are its test tasks.
    """
    count = 1 if problem.suite.deterministic_resets else episodes
    tasks = problem.rows.tolist()
    plays = [Play(task, prompts.select(row), count) for row, task in enumerate(tasks)]
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
    if weights is None:
        play(settings, problem.backbone, plays, seeds)
    else:
        for row, one in enumerate(plays):
            play(settings, problem.backbone.with_weights(weights[row]), [one], seeds)
    return np.array([np.mean(one.returns) for one in plays])
