"""The batched simulator: N rows (task x episode) stepped together, physics on threads.

``mujoco.mj_step`` releases the interpreter lock, so plain Python threads step different
rows at once. Each row owns an ``MjData``: results are bit-equal to stepping Gymnasium's
or Meta-World's environment alone, whatever the number of rows or threads.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from trajprompt.errors import TrajpromptError
from trajprompt.tasks.suites import Suite

if TYPE_CHECKING:
    import mujoco


class Step(NamedTuple):
    """What one control step of all rows gave."""

    observations: np.ndarray  # (N, S) float32
    rewards: np.ndarray  # (N,) float64
    terminations: np.ndarray  # (N,) bool
    successes: np.ndarray  # (N,) bool


class Simulator(ABC):
    """N rows in lockstep; row i plays task ``tasks[i]`` of ``suite``.

    The horizon is the caller's business. A terminated row stays where it is (its physics
    is skipped, its rewards are 0) until it is reset.
    """

    model: "mujoco.MjModel"  # shared by all rows
    data: list["mujoco.MjData"]  # one per row
    arrays: tuple[str, ...]  # names of the arrays that one step leaves to the next

    def __init__(self, suite: Suite, tasks: np.ndarray, threads: int = 1):
        self.suite = suite
        self.tasks = _checked_tasks(suite, tasks)
        self.threads = threads
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None

    @abstractmethod
    def reset(self, seeds: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
        """Reset all rows, or those of the mask ``rows`` (N,); row i uses ``seeds[i]``.

        Returns the current observations of all rows, (N, S) float32. The seed acts as in
        Gymnasium's ``reset(seed=...)``; suites with deterministic resets ignore it.
        """

    @abstractmethod
    def step(self, actions: np.ndarray) -> Step:
        """Apply ``actions`` (N, A) for one control step."""

    def state(self) -> dict[str, np.ndarray]:
        """All that the next steps depend on; good until the next step."""
        import mujoco

        whole = mujoco.mjtState.mjSTATE_INTEGRATION  # with the solver's starting point
        physics = np.empty((self.rows, mujoco.mj_stateSize(self.model, whole)))
        for data, numbers in zip(self.data, physics, strict=True):
            mujoco.mj_getState(self.model, data, numbers, whole)
        return {"physics": physics, **{name: getattr(self, name) for name in self.arrays}}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Steps from here on give the bits that they would have given after `state`.

        What MuJoCo derives from its state is not brought back: a step computes it anew.
        """
        import mujoco

        whole = mujoco.mjtState.mjSTATE_INTEGRATION
        for data, numbers in zip(self.data, state["physics"], strict=True):
            mujoco.mj_setState(self.model, data, numbers, whole)
        for name in self.arrays:
            getattr(self, name)[:] = state[name]  # in place: rows hold views

    @property
    def rows(self) -> int:
        return len(self.tasks)

    def _on_threads(self, work: Callable[[Sequence[int]], None], rows: np.ndarray) -> None:
        """Call ``work`` on shares of ``rows``, one share per thread."""
        if self._pool is None:
            work(rows.tolist())
            return
        shares = [share.tolist() for share in np.array_split(rows, self.threads)]
        waiting = [self._pool.submit(work, share) for share in shares[1:]]
        work(shares[0])
        for future in waiting:
            future.result()


def _checked_tasks(suite: Suite, tasks: np.ndarray) -> np.ndarray:
    tasks = np.asarray(tasks, dtype=np.int64)
    known = len(suite.goals)
    if tasks.ndim != 1 or len(tasks) == 0:
        raise TrajpromptError(suite.name, f"tasks of shape {tasks.shape}", "shape (rows,)")
    wrong = tasks[(tasks < 0) | (tasks >= known)]
    if len(wrong):
        raise TrajpromptError(suite.name, f"task {wrong[0]}", f"a task in 0..{known - 1}")
    return tasks


def make_simulator(suite: Suite, tasks: np.ndarray, threads: int = 1) -> Simulator:
    """A simulator of ``suite`` whose row i plays ``tasks[i]``."""
    if suite.name == "reach":
        from trajprompt.tasks.reach import ReachSimulator

        return ReachSimulator(suite, tasks, threads)
    if suite.name == "pick-place":
        from trajprompt.tasks.pick_place import PickPlaceSimulator

        return PickPlaceSimulator(suite, tasks, threads)
    from trajprompt.tasks.locomotion import LOCOMOTION

    return LOCOMOTION[suite.name](suite, tasks, threads)
