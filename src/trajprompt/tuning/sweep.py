"""Choices of a tuning method's options, judged on fresh episodes."""

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from trajprompt.artifacts.csv_files import csv_text
from trajprompt.errors import TrajpromptError
from trajprompt.rollout.plays import Play, PlaySettings, play
from trajprompt.seeds import integers, stream
from trajprompt.tuning.protocol import Method, TuningProblem

if TYPE_CHECKING:
    from torch import Tensor

    from trajprompt.trajectories.segments import Segments


GridPoint = dict[str, Any]  # option -> value
Candidate = tuple[GridPoint, Any]  # and the method's options with it
Entry = Mapping[str, Any]  # of a history


@dataclass(frozen=True)
class Trial:
    """One choice; gains are paired by task, prompt and reset with the initial prompts.

    A choice that could not be tuned has the initial return alone.
    """

    choice: GridPoint
    initial_return: float
    gain: float = np.nan  # mean over rows of (return of the last iterate - initial return)
    gain_error: float = np.nan  # standard error of that mean over rows
    best_gain: float = np.nan  # the same for the method's own best iterate
    worst_row: float = np.nan  # the smallest gain of any row
    displacement: float = np.nan  # mean distance of the last prompt from the initial one
    objective_fall: float = np.nan  # mean fall of the method's own objective, start to end
    simulator_steps: int = 0
    seconds: float = np.nan  # CPU time of tuning

    def columns(self) -> dict[str, Any]:
        """Everything by name, the choice first."""
        values = dict(vars(self))
        return {**values.pop("choice"), **values}


def sweep(
    problem: TuningProblem,
    method: Method,
    candidates: Sequence[Candidate],
    episodes: int,
    resets: tuple[int, int],
) -> Iterator[Trial]:
    """One trial per candidate; ``resets`` are run seed and seed."""
    initial = fresh_returns(problem, problem.require_prompts(), episodes, resets)
    for choice, options in candidates:
        start = time.process_time()
        try:
            adaptation = method.tune(problem, options)
        except TrajpromptError as error:  # it diverged: no reason to lose the others
            print(f"{choice}: {error}", file=sys.stderr)
            yield Trial(choice, float(initial.mean()))
            continue
        seconds = time.process_time() - start
        assert adaptation.last is not None and adaptation.best is not None
        tuned = (episodes, resets, adaptation.weights)
        gains = fresh_returns(problem, adaptation.last, *tuned) - initial
        last, rows = _ends(adaptation.history).values(), len(problem.rows)
        best_gains = gains  # the same prompts, unless an earlier iterate was better
        if (adaptation.best_iteration < max(entry["iteration"] for entry in last)).any():
            best_gains = fresh_returns(problem, adaptation.best, *tuned) - initial
        yield Trial(
            choice,
            float(initial.mean()),
            gain=float(gains.mean()),
            gain_error=float(gains.std(ddof=1) / np.sqrt(rows)) if rows > 1 else np.nan,
            best_gain=float(best_gains.mean()),
            worst_row=float(gains.min()),
            displacement=float(np.mean([entry["displacement"] for entry in last])),
            objective_fall=objective_fall(adaptation.history),
            simulator_steps=sum(entry["simulator_steps"] for entry in last),
            seconds=seconds,
        )


def best(trials: Sequence[Trial]) -> Trial:
    """The choice with the largest mean gain; one that failed has none."""
    return max(trials, key=lambda trial: np.nan_to_num(trial.gain, nan=-np.inf))


def to_csv(trials: Sequence[Trial]) -> str:
    return csv_text(list(trials[0].columns()), [trial.columns() for trial in trials])


def header(trial: Trial) -> str:
    """The names above the numbers of ``line``."""
    return " ".join(f"{name:>{_width(name)}}" for name in trial.columns())


def line(trial: Trial) -> str:
    """One trial as aligned text."""
    texts = {name: _text(value) for name, value in trial.columns().items()}
    return " ".join(f"{text:>{_width(name)}}" for name, text in texts.items())


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _width(name: str) -> int:
    return max(15, len(name))


def _ends(history: Sequence[Entry]) -> dict[tuple[int, int], Entry]:
    """The last entry of every (task, prompt); histories go forward in time."""
    return {(entry["task"], entry["prompt"]): entry for entry in history}


def objective_fall(history: Sequence[Entry]) -> float:
    """Mean over rows of the objective at the first iterate judged less that at the last."""
    judged = [entry for entry in history if np.isfinite(entry["objective"])]
    first, last = _ends(judged[::-1]), _ends(judged)
    falls = [first[row]["objective"] - last[row]["objective"] for row in last]
    return float(np.mean(falls)) if falls else np.nan


def fresh_returns(
    problem: TuningProblem,
    prompts: "Segments",
    episodes: int,
    resets: tuple[int, int],
    weights: "Mapping[int, Mapping[str, Tensor]] | None" = None,
) -> np.ndarray:
    """Mean return (R,) of each row's prompt, and tuned weights, over fresh episodes.

    Their resets are even, as tuning's are odd, and none of evaluation's: cheetah-dir's
    training tasks are its test tasks.
    """
    count = 1 if problem.suite.deterministic_resets else episodes
    tasks = problem.rows.tolist()
    arms = [Play(task, prompts.select(row), count) for row, task in enumerate(tasks)]
    run_seed, seed = resets
    names = ("calibrate", problem.suite.name, seed)
    seeds = {
        task: integers(stream(run_seed, *names, task), count) & ~1 for task in set(tasks)
    }
    how = PlaySettings(
        problem.suite, problem.target_return, problem.precision, problem.threads
    )
    if weights is None:
        play(how, problem.backbone, arms, seeds)
    else:
        for row, arm in enumerate(arms):
            play(how, problem.backbone.with_weights(weights[row]), [arm], seeds)
    return np.array([np.mean(arm.returns) for arm in arms])
