"""D4RL suites: an environment of Gym's v2 and a level of data; one task, run forwards.

Observations, rewards and terminations are those of D4RL's ``*-v2`` data: Gym's v2 classes
with MuJoCo 2.0 (Farama-Foundation/D4RL at 89141a6, ``d4rl/gym_mujoco/gym_envs.py``).
Differences from Gymnasium's v5 environments:

- The reward for staying alive is also paid on the step on which the robot falls.
- Both feet of the walker do not have the same friction: the model is ``walker2d.xml``.
- The ant has no contact forces: MuJoCo 2.0 did not compute them, and they are 0 in D4RL's
  data. The 84 columns of zeros are left out of the observation.
"""

import numpy as np

from trajprompt.tasks.locomotion import LocomotionSimulator
from trajprompt.tasks.suites import Suite

# How the data of a level was made, see collect/levels.py.
LEVELS = ("random", "medium", "medium-replay", "medium-expert", "expert")
SPEED_LIMIT = 10.0  # of the velocities that hopper and walker observe


class _Forward(LocomotionSimulator):
    """Robot that is rewarded for its forward velocity and for staying alive."""

    survive = 1.0  # reward of every step

    def _progress(self) -> np.ndarray:
        return self._state[:, 0]

    def _rewards(self, velocity: np.ndarray) -> np.ndarray:
        return velocity + self.survive


class HalfCheetah(_Forward):
    xml = "half_cheetah.xml"
    control_weight = 0.1
    survive = 0.0

    def _observations(self) -> np.ndarray:
        return self._state[:, 1:18].astype(
            np.float32
        )  # 8 positions without x, 9 velocities


class _Planar(_Forward):
    """Hopper or walker: positions without x, and limited velocities."""

    control_weight = 1e-3
    frame_skip = 4
    reset_noise = 5e-3
    uniform_velocities = True

    def _observations(self) -> np.ndarray:
        nq, nv = self.model.nq, self.model.nv
        observations = self._state[:, 1 : nq + nv].copy()
        np.clip(
            observations[:, nq - 1 :],
            -SPEED_LIMIT,
            SPEED_LIMIT,
            out=observations[:, nq - 1 :],
        )
        return np.nan_to_num(observations.astype(np.float32))

    def _upright(self, lowest: float, highest: float, angle: float) -> np.ndarray:
        """Rows (N,) whose height, in metres, and pitch, in radians, are in range."""
        height, pitch = self._state[:, 1], self._state[:, 2]
        finite = np.isfinite(self._state).all(axis=1)
        return finite & (height > lowest) & (height < highest) & (np.abs(pitch) < angle)


class Hopper(_Planar):
    xml = "hopper.xml"

    def _unhealthy(self) -> np.ndarray:
        others = self._state[:, 2 : self.model.nq + self.model.nv]
        small = (np.abs(others) < 100).all(axis=1)  # False for NaN, too
        return ~(small & self._upright(0.7, np.inf, 0.2))


class Walker2d(_Planar):
    xml = "walker2d.xml"

    def _unhealthy(self) -> np.ndarray:
        return ~self._upright(0.8, 2.0, 1.0)


class Ant(_Forward):
    """Ant whose velocity is measured at its torso body."""

    xml = "ant.xml"
    control_weight = 0.5

    def _progress(self) -> np.ndarray:
        return self._torso[:, 0]

    def _observations(self) -> np.ndarray:
        # 13 positions without x and y, 14 velocities; finite, also in a diverged row.
        return np.nan_to_num(self._state[:, 2:29].astype(np.float32))

    def _unhealthy(self) -> np.ndarray:
        height = self._state[:, 2]
        physics = self._state[:, : self.model.nq + self.model.nv]
        return ~(np.isfinite(physics).all(axis=1) & (height >= 0.2) & (height <= 1.0))


def _words(goal: np.ndarray) -> str:
    return "run forwards"


# Environment: label, simulator, elements of observations and actions, seconds per step,
# D4RL's reference returns (d4rl/infos.py), target return, camera. The targets are those of
# Decision Transformer's code and of PTDT Table 6; no text has one for the ant: ours.
_ENVIRONMENTS = {
    "halfcheetah": ("HalfCheetah", HalfCheetah, 17, 6, 0.05, (-280.178953, 12135.0), 6000),
    "hopper": ("Hopper", Hopper, 11, 3, 0.008, (-20.272305, 3234.3), 3600),
    "walker2d": ("Walker2d", Walker2d, 17, 6, 0.008, (1.629008, 4592.3), 5000),
    "ant": ("Ant", Ant, 27, 8, 0.05, (-325.6, 3879.7), 4000),
}
ENVIRONMENTS = tuple(_ENVIRONMENTS)


def _suite(environment: str, level: str) -> Suite:
    label, simulator, states, actions, dt, scores, target = _ENVIRONMENTS[environment]
    return Suite(
        name=f"{environment}-{level}",
        label=f"{label} {level}",
        words=_words,
        environment=environment,
        score_range=scores,
        # PTDT §5.3: pretraining on medium data, prompts and samples from expert data.
        demonstrations_from=f"{environment}-expert" if level == "medium" else "",
        simulator=simulator,
        state_dim=states,
        action_dim=actions,
        horizon=1000,
        dt=dt,
        goals=np.zeros((1, 1)),
        goal_unit="1",
        train_tasks=(0,),
        test_tasks=(0,),
        target_return=target,
        return_scale=1000,  # DT's code
        camera="track",
    )


SUITES = tuple(_suite(env, level) for env in ENVIRONMENTS for level in LEVELS)
