"""Base of the locomotion simulators: stepping, velocity, control cost.

Models are Gymnasium's XML files, read by path. The multi-task suites (cheetah.py, ant.py)
follow mxu34/prompt-dt at 5f665e5, ``mujoco_control_envs/tp_envs``: legacy observations of
20 and 27 elements and control costs of 0.05 (cheetah) and 0.5 (ant). The D4RL suites
(d4rl.py) follow Gym's v2 environments; walker_params.py varies their walker. The ant's
contact cost is left out: in the references' MuJoCo 2.0, contact forces are zero
(openai/gym#1541).
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from trajprompt.tasks.mujoco_simulator import FRAME_SKIP, MujocoSimulator, package_file
from trajprompt.tasks.simulator import Step
from trajprompt.tasks.suites import Suite

if TYPE_CHECKING:
    import mujoco


class LocomotionSimulator(MujocoSimulator):
    """Rows of a robot; subclasses add observations, rewards and terminations."""

    xml: str
    control_weight: float
    timestep: float | None = None  # seconds per physics step; None: the model's
    frame_skip = FRAME_SKIP  # physics steps per control step
    reset_noise = 0.1  # uniform on positions; normal on velocities, or uniform
    uniform_velocities = False
    arrays = ("_state", "_ended")

    def __init__(self, suite: Suite, tasks: np.ndarray, threads: int = 1):
        import mujoco

        super().__init__(suite, tasks, threads)
        path = package_file("gymnasium", f"envs/mujoco/assets/{self.xml}")
        self.model = mujoco.MjModel.from_xml_path(path)
        if self.timestep is not None:
            self.model.opt.timestep = self.timestep
        self.dt = self.model.opt.timestep * self.frame_skip
        self._models = self._models_of_rows()
        self.data = [mujoco.MjData(model) for model in self._models]
        self._home = self.data[0].qpos.copy()  # the model's initial pose
        nq, nv = self.model.nq, self.model.nv
        # (N, nq + nv + 3): positions, velocities, torso position of every row
        self._state = np.zeros((self.rows, nq + nv + 3))
        self._torso = self._state[:, nq + nv :]
        self._controls = np.zeros((self.rows, self.model.nu))
        self._alive = np.arange(self.rows)
        self._ended = np.zeros(self.rows, dtype=bool)
        self._views = [self._views_of(row) for row in range(self.rows)]

    def _models_of_rows(self) -> "list[mujoco.MjModel]":
        """The model of every row: one for all, unless tasks differ in their physics."""
        return [self.model] * self.rows

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        super().restore(state)
        self._alive = np.flatnonzero(~self._ended)

    def _views_of(self, row: int) -> tuple[Any, ...]:
        """Views of a row, made once: making them costs more than copying through them."""
        data, state = self.data[row], self._state[row]
        nq, nv = self.model.nq, self.model.nv
        torso = data.xpos[self.model.body("torso").id]
        pairs = (
            state[:nq],
            data.qpos,
            state[nq : nq + nv],
            data.qvel,
            state[nq + nv :],
            torso,
        )
        return (self._models[row], data, data.ctrl, self._controls[row], pairs)

    def reset(self, seeds: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
        which = np.arange(self.rows) if rows is None else np.flatnonzero(rows)
        for row in which.tolist():
            self._reset_row(row, int(seeds[row]))
        self._ended[which] = False
        self._alive = np.flatnonzero(~self._ended)
        return self._observations()

    def _reset_row(self, row: int, seed: int) -> None:
        """Reset a row with the draws of ``reset(seed)`` in Gymnasium's v5 environments."""
        import mujoco

        data, model = self.data[row], self._models[row]
        generator = np.random.default_rng(seed)
        mujoco.mj_resetData(model, data)
        noise = self.reset_noise
        data.qpos[:] = self._home + generator.uniform(-noise, noise, model.nq)
        if self.uniform_velocities:
            data.qvel[:] = generator.uniform(-noise, noise, model.nv)
        else:
            data.qvel[:] = noise * generator.standard_normal(model.nv)
        mujoco.mj_forward(model, data)
        self._read_row(row)

    def _read_row(self, row: int) -> None:
        positions, qpos, velocities, qvel, torso, xpos = self._views[row][-1]
        positions[:], velocities[:], torso[:] = qpos, qvel, xpos

    def step(self, actions: np.ndarray) -> Step:
        self._controls[:] = actions  # (N, A); MuJoCo clamps them to the control range
        before = self._progress().copy()
        self._on_threads(self._advance, self._alive)
        velocity = (self._progress() - before) / self.dt
        rewards = self._rewards(velocity) - self._control_cost()
        rewards[self._ended] = 0.0
        unhealthy = self._unhealthy() & ~self._ended
        if unhealthy.any():
            self._ended |= unhealthy
            self._alive = np.flatnonzero(~self._ended)
        nothing = np.zeros(self.rows, dtype=bool)
        return Step(self._observations(), rewards, self._ended.copy(), nothing)

    def _advance(self, rows: Sequence[int]) -> None:
        """Step the physics of ``rows`` on a thread: the project's most critical loop."""
        import mujoco

        step, views, skip = mujoco.mj_step, self._views, self.frame_skip
        for row in rows:
            model, data, ctrl, action, pairs = views[row]
            positions, qpos, velocities, qvel, torso, xpos = pairs
            ctrl[:] = action
            step(model, data, skip)
            positions[:] = qpos
            velocities[:] = qvel
            torso[:] = xpos

    def _control_cost(self) -> np.ndarray:
        return self.control_weight * np.square(self._controls).sum(axis=1)  # (N,)

    @abstractmethod
    def _progress(self) -> np.ndarray:
        """Position whose change is rewarded: a view, (N,) or (N, 2)."""

    @abstractmethod
    def _rewards(self, velocity: np.ndarray) -> np.ndarray:
        """Rewards (N,) before control cost, from the velocity of `_progress`."""

    @abstractmethod
    def _observations(self) -> np.ndarray:
        """Observations (N, S) float32, a new array."""

    def _unhealthy(self) -> np.ndarray:
        return np.zeros(self.rows, dtype=bool)
