"""The simulator as an oracle: what prompts earn, many at once, and what asking costs."""

from typing import NamedTuple

import numpy as np

from trajprompt.errors import TrajpromptError
from trajprompt.models.lockstep import LockstepPolicy
from trajprompt.rollout.loop import rollout
from trajprompt.seeds import child, integers
from trajprompt.tasks.registry import make_simulator
from trajprompt.tasks.simulator import Simulator
from trajprompt.tasks.suites import Suite
from trajprompt.trajectories.segments import Segments
from trajprompt.tuning.protocol import TuningProblem


class Played(NamedTuple):
    """What candidate prompts earned."""

    returns: np.ndarray  # (R, C) float64, the mean over a candidate's episodes
    steps: np.ndarray  # (R,) int64, simulator steps of all of a row's episodes


def episodes_each(suite: Suite, episodes: int) -> int:
    """Of one candidate. Where every episode of a suite starts alike, one says all."""
    return 1 if suite.deterministic_resets else episodes


class ReturnOracle:
    """Mean returns (PTDT Eq. 6) of all candidates of all rows, in one lockstep rollout.

    ``episodes`` are those of one candidate, see `episodes_each`.
    """

    def __init__(self, problem: TuningProblem, episodes: int = 1):
        self.problem = problem
        self.episodes = episodes_each(problem.suite, episodes)
        self.simulators: dict[int, Simulator] = {}  # by rows

    def resets(self, sequence: np.random.SeedSequence) -> np.ndarray:
        """Reset seeds (R, 1, E), odd because evaluation's are even.

        All candidates of a row share them, which removes most of their noise.
        """
        rows = len(self.problem.rows)
        return (integers(sequence, rows * self.episodes) | 1).reshape(rows, 1, -1)

    def fresh_resets(self, sequence: np.random.SeedSequence, number: int) -> np.ndarray:
        """Reset seeds (R, 1, E) of round ``number``, whatever was played before it."""
        return self.resets(child(sequence, number))

    def __call__(self, prompts: Segments, seeds: np.ndarray) -> Played:
        """Play candidates (R, C, P, ..) from the resets (R, 1 or C, E)."""
        problem, (rows, count) = self.problem, prompts.leading
        seeds = np.broadcast_to(seeds, (rows, count, self.episodes))
        policy = LockstepPolicy(
            problem.backbone,
            prompts.flatten().repeat_interleave(self.episodes),
            rows=seeds.size,
            target_return=problem.target_return,
            precision=problem.precision,
            threads=problem.threads,
        )
        played = rollout(self._simulator(seeds.shape), policy, seeds.reshape(-1))
        if not np.isfinite(played.returns).all():
            raise TrajpromptError("a played prompt", "a return of NaN or inf", "a number")
        returns = played.returns.reshape(seeds.shape).mean(axis=2)
        return Played(returns, played.lengths.reshape(seeds.shape).sum(axis=(1, 2)))

    def _simulator(self, shape: tuple[int, ...]) -> Simulator:
        """Built once per number of rows: rounds differ in their candidates."""
        size = int(np.prod(shape))
        if size not in self.simulators:
            tasks = self.problem.rows.repeat(shape[1] * shape[2])
            threads = self.problem.threads
            self.simulators[size] = make_simulator(self.problem.suite, tasks, threads)
        return self.simulators[size]
