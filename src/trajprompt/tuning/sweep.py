"""A grid of step sizes and smoothings of a ranking method, judged on fresh episodes."""

import csv
import dataclasses
import io
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from trajprompt.rollout.arms import Arm, PlaySettings, play
from trajprompt.seeds import integers, stream
from trajprompt.tuning.protocol import Method, TuningProblem

if TYPE_CHECKING:
    from trajprompt.trajectories.segments import Segments


@dataclass(frozen=True)
class Trial:
    """One pair; gains are paired by task, prompt and reset with the initial prompts."""

    step_size: float  # eta
    smoothing: float  # mu
    gain: float  # mean over rows of (return of the last prompt - of the initial one)
    gain_error: float  # standard error of that mean over rows
    best_gain: float  # the same for the method's own best iterate
    worst_row: float  # the smallest gain of any row
    initial_return: float
    displacement: float  # mean distance of the last prompt from the initial one
    objective_fall: float  # mean fall of the method's own objective, start to end
    simulator_steps: int
    seconds: float  # CPU time of tuning


def sweep(
    problem: TuningProblem,
    method: Method,
    options: Any,
    grid: Sequence[tuple[float, float]],
    episodes: int,
    resets: tuple[int, int],
) -> Iterator[Trial]:
    """One trial per (step size, smoothing); ``resets`` are run seed and seed."""
    initial = _returns(problem, problem.require_prompts(), episodes, resets)
    for step_size, smoothing in grid:
        own = dataclasses.replace(options, step_size=step_size, smoothing=smoothing)
        start = time.process_time()
        adaptation = method.tune(problem, own)
        seconds = time.process_time() - start
        assert adaptation.last is not None and adaptation.best is not None
        gains = _returns(problem, adaptation.last, episodes, resets) - initial
        best_gains = gains  # the same prompts, unless an earlier iterate was better
        if (adaptation.best_iteration < own.iterations).any():
            best_gains = _returns(problem, adaptation.best, episodes, resets) - initial
        rows = len(problem.rows)
        first, last = adaptation.history[:rows], adaptation.history[-rows:]
        yield Trial(
            step_size=step_size,
            smoothing=smoothing,
            gain=float(gains.mean()),
            gain_error=float(gains.std(ddof=1) / np.sqrt(rows)) if rows > 1 else np.nan,
            best_gain=float(best_gains.mean()),
            worst_row=float(gains.min()),
            initial_return=float(initial.mean()),
            displacement=float(np.mean([entry["displacement"] for entry in last])),
            objective_fall=float(
                np.mean(
                    [
                        a["objective"] - b["objective"]
                        for a, b in zip(first, last, strict=True)
                    ]
                )
            ),
            simulator_steps=sum(entry["simulator_steps"] for entry in last),
            seconds=seconds,
        )


def best(trials: Sequence[Trial]) -> Trial:
    """The pair with the largest mean gain."""
    return max(trials, key=lambda trial: trial.gain)


def to_csv(trials: Sequence[Trial]) -> str:
    text = io.StringIO()
    names = [field.name for field in dataclasses.fields(Trial)]
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(dataclasses.asdict(trial) for trial in trials)
    return text.getvalue()


def header() -> str:
    """The names above the numbers of ``line``."""
    return " ".join(f"{field.name:>15}" for field in dataclasses.fields(Trial))


def line(trial: Trial) -> str:
    """One trial as aligned text."""
    return " ".join(f"{value:15.4g}" for value in dataclasses.astuple(trial))


def _returns(
    problem: TuningProblem, prompts: "Segments", episodes: int, resets: tuple[int, int]
) -> np.ndarray:
    """Mean return (R,) of each row's prompt over fresh episodes.

    Their resets are even, as tuning's are odd, and none of evaluation's: cheetah-dir's
    training tasks are its test tasks.
    """
    count = 1 if problem.suite.deterministic_resets else episodes
    tasks = problem.rows.tolist()
    arms = [Arm(task, prompts.select(row), count) for row, task in enumerate(tasks)]
    run_seed, seed = resets
    names = ("calibrate", problem.suite.name, seed)
    seeds = {
        task: integers(stream(run_seed, *names, task), count) & ~1 for task in set(tasks)
    }
    how = PlaySettings(
        problem.suite.name, problem.target_return, problem.precision, problem.threads
    )
    play(how, problem.backbone, arms, seeds)
    return np.array([np.mean(arm.returns) for arm in arms])
