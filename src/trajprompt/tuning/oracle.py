"""The simulator as an oracle: returns of many prompts at once, and the steps it took."""

from typing import NamedTuple

import numpy as np

from trajprompt.errors import TrajpromptError
from trajprompt.models.lockstep import LockstepPolicy
from trajprompt.rollout.loop import Episodes, rollout
from trajprompt.rollout.requests import Request
from trajprompt.seeds import child, integers
from trajprompt.tasks.registry import make_simulator
from trajprompt.tasks.simulator import Simulator
from trajprompt.tasks.suites import Suite
from trajprompt.trajectories.segments import Segments
from trajprompt.tuning.protocol import TuningProblem


class OracleResult(NamedTuple):
    """Returns of candidate prompts, and the simulator steps that they took."""

    returns: np.ndarray  # (R, C) float64, the mean over a candidate's episodes
    steps: np.ndarray  # (R, C) int64, simulator steps of all of its episodes


def episodes_needed(suite: Suite, episodes: int) -> int:
    """Return the episodes per candidate: 1 if the suite's resets are deterministic."""
    return 1 if suite.deterministic_resets else episodes


class ReturnOracle:
    """Mean returns (PTDT Eq. 6) of all candidates of all rows, in one lockstep rollout.

    ``episodes`` is the number per candidate, see `episodes_needed`.
    """

    def __init__(self, problem: TuningProblem, episodes: int = 1):
        self.problem = problem
        self.episodes = episodes_needed(problem.suite, episodes)
        self.simulators: dict[int, Simulator] = {}  # by number of episodes

    def resets(self, sequence: np.random.SeedSequence) -> np.ndarray:
        """Return reset seeds (R, 1, E), odd because evaluation's are even.

        All candidates of a row share them. On cheetah-vel this removes most of the noise
        between them; on ant-dir and cheetah-dir it removes nothing (docs/deviations.md).
        """
        rows = len(self.problem.rows)
        return (integers(sequence, rows * self.episodes) | 1).reshape(rows, 1, -1)

    def fresh_resets(self, sequence: np.random.SeedSequence, number: int) -> np.ndarray:
        """Return reset seeds (R, 1, E) of round ``number``, independent of other rounds."""
        return self.resets(child(sequence, number))

    def __call__(self, prompts: Segments, seeds: np.ndarray) -> OracleResult:
        """Play candidates (R, C, P, ..) from the resets (R, 1 or C, E).

        Raises TrajpromptError if a return is NaN or infinite.
        """
        problem, (rows, count) = self.problem, prompts.leading
        seeds = np.broadcast_to(seeds, (rows, count, self.episodes))
        played = self._play(prompts.flatten().repeat_interleave(self.episodes), seeds)
        if not np.isfinite(played.returns).all():
            where = f"{problem.suite.name} episode of a candidate prompt"
            found, remedy = "found a NaN or infinite return", "check the suite's rewards"
            raise TrajpromptError(where, found, "a finite return", remedy)
        returns = played.returns.reshape(seeds.shape).mean(axis=2)
        return OracleResult(returns, played.lengths.reshape(seeds.shape).sum(axis=2))

    def _play(self, prompts: Segments, seeds: np.ndarray) -> Episodes:
        """Play prompts (R * C * E, P, ..) from the resets (R, C, E), a row each."""
        problem, resets = self.problem, seeds.reshape(-1)
        if problem.player is not None:
            tasks = problem.rows.repeat(seeds[0].size)
            return problem.player(Request(problem.backbone, prompts, tasks, resets))
        policy = LockstepPolicy(
            problem.backbone,
            prompts,
            rows=seeds.size,
            target_return=problem.target_return,
            precision=problem.precision,
            threads=problem.threads,
            engine=problem.engine,
        )
        return rollout(self._simulator(seeds.shape), policy, resets)

    def _simulator(self, shape: tuple[int, ...]) -> Simulator:
        """Return the simulator of (R, C, E) episodes, built once per number of episodes."""
        size = int(np.prod(shape))
        if size not in self.simulators:
            tasks = self.problem.rows.repeat(shape[1] * shape[2])
            threads = self.problem.threads
            self.simulators[size] = make_simulator(self.problem.suite, tasks, threads)
        return self.simulators[size]
