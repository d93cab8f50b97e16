"""Video frames of running simulators, rendered without a display."""

import os
from typing import TYPE_CHECKING

import numpy as np

from trajprompt.errors import TrajpromptError
from trajprompt.rollout.opengl import INSTALL
from trajprompt.tasks.mujoco_simulator import MujocoSimulator
from trajprompt.tasks.suites import Camera

if TYPE_CHECKING:
    import mujoco

    from trajprompt.rollout.loop import Policy
    from trajprompt.tasks.simulator import Simulator


FLOOR = ("texplane", "MatPlane")  # texture and material of Gymnasium's floors
SQUARES = 24  # of the floor; with Gymnasium's 60, distant ones flicker
ARROW = np.array([0.85, 0.1, 0.1, 1.0], np.float32)  # red


class Film:
    """A policy that renders all rows once in ``every`` control steps, before it acts.

    Shadows, reflections and anti-aliasing are off: without them, software rendering is more
    than ten times faster. Raises TrajpromptError without a MuJoCo model or OpenGL.
    """

    def __init__(self, simulator: "Simulator", policy: "Policy", every: int, size: int):
        import mujoco

        camera = simulator.suite.camera
        if camera is None or not isinstance(simulator, MujocoSimulator):
            where = f"suite {simulator.suite.name}"
            found, expected = "has nothing to render", "a suite with a MuJoCo model"
            raise TrajpromptError(where, found, expected, "choose another suite")
        self.policy, self.every = policy, every
        self.frames: list[np.ndarray] = []  # (N, size, size, 3) uint8
        self.frame_returns: list[np.ndarray] = []  # (N,) returns up to each frame
        self.time, self.returns = 0, np.zeros(simulator.rows)
        self.simulator = simulator
        self.cameras = [_camera(camera, simulator.model) for _ in range(simulator.rows)]
        _simplify(simulator.model)
        try:
            self.renderer = mujoco.Renderer(simulator.model, size, size)
        except Exception as error:  # MuJoCo's back ends raise errors of many kinds
            backend = os.environ.get("MUJOCO_GL")
            raise TrajpromptError(
                "rendering",
                f"MUJOCO_GL={backend} does not work ({error})",
                "OpenGL that renders without a display",
                f"run {INSTALL}",
            ) from error

    def act(self, observations: np.ndarray) -> np.ndarray:
        if self.time % self.every == 0:
            self.capture()
        self.time += 1
        return self.policy.act(observations)

    def receive(self, rewards: np.ndarray) -> None:
        self.returns = self.returns + rewards
        self.policy.receive(rewards)

    def capture(self) -> None:
        """Render all rows in their present state."""
        rows = range(self.simulator.rows)
        self.frames.append(np.stack([self._picture(row) for row in rows]))
        self.frame_returns.append(self.returns)

    def close(self) -> None:
        self.renderer.close()

    def _picture(self, row: int) -> np.ndarray:
        import mujoco

        _show_goal(self.simulator, row)
        scene = self.renderer.scene
        self.renderer.update_scene(self.simulator.data[row], self.cameras[row])
        for flag in (mujoco.mjtRndFlag.mjRND_SHADOW, mujoco.mjtRndFlag.mjRND_REFLECTION):
            scene.flags[flag] = False
        if self.simulator.suite.goal_mark == "arrow":
            _add_arrow(scene, self.simulator, row)
        return self.renderer.render()


def _simplify(model: "mujoco.MjModel") -> None:
    """Turn anti-aliasing off, and simplify floors for smaller video files."""
    import mujoco

    model.vis.quality.offsamples = 0
    if mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_TEXTURE, FLOOR[0]) >= 0:
        texture = model.tex(FLOOR[0]).data
        texture[:] = 110 + texture // 3
        model.mat(FLOOR[1]).texrepeat[:] = SQUARES


def _camera(view: str | Camera, model: "mujoco.MjModel") -> "str | mujoco.MjvCamera":
    """Convert the camera of a suite for MuJoCo's renderer."""
    import mujoco

    if isinstance(view, str):
        return view
    camera = mujoco.MjvCamera()
    if isinstance(view.at, str):
        camera.type = mujoco.mjtCamera.mjCAMERA_TRACKING
        camera.trackbodyid = model.body(view.at).id
    else:
        camera.lookat[:] = view.at
    camera.distance, camera.azimuth = view.distance, view.azimuth
    camera.elevation = view.elevation
    return camera


def _show_goal(simulator: MujocoSimulator, row: int) -> None:
    """Move the model's goal site to the row's goal; sites do not affect the physics."""
    import mujoco

    if simulator.suite.goal_mark == "site":
        model, data = simulator.model, simulator.data[row]
        model.site("goal").pos = simulator.suite.goals[simulator.tasks[row]]
        mujoco.mj_kinematics(model, data)


def _add_arrow(scene: "mujoco.MjvScene", simulator: MujocoSimulator, row: int) -> None:
    """Add an arrow over the torso that points in the goal's direction."""
    import mujoco

    angle = simulator.suite.goals[simulator.tasks[row], 0]
    start = simulator.data[row].body("torso").xpos + (0.0, 0.0, 0.5)
    end = start + 1.2 * np.array([np.cos(angle), np.sin(angle), 0.0])
    arrow = scene.geoms[scene.ngeom]
    kind = mujoco.mjtGeom.mjGEOM_ARROW
    mujoco.mjv_initGeom(arrow, kind, np.zeros(3), np.zeros(3), np.zeros(9), ARROW)
    mujoco.mjv_connector(arrow, kind, 0.05, start, end)
    scene.ngeom += 1
