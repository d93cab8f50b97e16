"""Simulators whose rows are MuJoCo data, stepped on threads.

``mujoco.mj_step`` releases the interpreter lock, so plain Python threads step different
rows at once. Each row owns an ``MjData``: results are bit-equal to stepping Gymnasium's
or Meta-World's environment alone, whatever the number of rows or threads.

MuJoCo is imported inside functions, here and in the simulators: looking up a suite imports
these modules and must not load MuJoCo.
"""

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from trajprompt.errors import TrajpromptError
from trajprompt.tasks.simulator import Simulator
from trajprompt.tasks.suites import Suite

if TYPE_CHECKING:
    import mujoco

FRAME_SKIP = 5  # physics steps per control step, as in Gymnasium and Meta-World


def package_file(package: str, path: str) -> str:
    """Path of a file of an installed package, found without importing the package."""
    spec = importlib.util.find_spec(package)
    roots = list(spec.submodule_search_locations or []) if spec else []
    file = Path(roots[0]) / path if roots else None
    if file is None or not file.is_file():
        remedy = "run `pip install -r requirements.lock`"
        found = f"not in the package {package}"
        raise TrajpromptError(path, found, "an installed model file", remedy)
    return str(file)


class MujocoSimulator(Simulator):
    """Rows of one MuJoCo model; their physics is part of the state.

    Rows may have their own copies of the model, with other values in its arrays: the layout
    of a state is the same.
    """

    model: "mujoco.MjModel"
    data: list["mujoco.MjData"]  # one per row

    def __init__(self, suite: Suite, tasks: np.ndarray, threads: int = 1):
        from concurrent.futures import ThreadPoolExecutor  # 5 ms, for players only

        super().__init__(suite, tasks, threads)
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None

    def state(self) -> dict[str, np.ndarray]:
        import mujoco

        full = mujoco.mjtState.mjSTATE_INTEGRATION  # including the solver's warm start
        physics = np.empty((self.rows, mujoco.mj_stateSize(self.model, full)))
        for data, values in zip(self.data, physics, strict=True):
            mujoco.mj_getState(self.model, data, values, full)
        return {"physics": physics, **super().state()}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Restore a state; the next step recomputes MuJoCo's derived quantities."""
        import mujoco

        full = mujoco.mjtState.mjSTATE_INTEGRATION
        for data, values in zip(self.data, state["physics"], strict=True):
            mujoco.mj_setState(self.model, data, values, full)
        super().restore(state)

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
