"""Batched simulator of Meta-World's Sawyer arm: base of reach and pick-place.

Physics and observations are bit-equal to metaworld 3.1.1's ``SawyerXYZEnv``; only its model
files are used, found without importing metaworld.
Every episode of a task starts from one snapshot: Meta-World's reset simulates the arm's
way home (250 physics steps) and is deterministic, as the task fixes object and goal.
With ``Suite.varied_starts``, the hand then moves by up to ``START_SHIFT``.
"""

import copy
from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from trajprompt.tasks.mujoco_simulator import FRAME_SKIP, MujocoSimulator, package_file
from trajprompt.tasks.simulator import Step
from trajprompt.tasks.suites import Camera, Suite, read_table

if TYPE_CHECKING:
    import mujoco

ACTION_SCALE = 0.01  # metres per unit of action
HAND_HOME = np.array([0.0, 0.6, 0.2])
HOME_STEPS = 50  # control steps in which the reset moves the hand home
# Varied starts: metres along each axis; as far as one action of 1 moves the hand.
START_SHIFT = ACTION_SCALE
SHIFT_STEPS = 10  # control steps in which the hand moves there and comes to rest
MOCAP_LOW, MOCAP_HIGH = np.array([-0.5, 0.40, 0.05]), np.array([0.5, 1.0, 0.5])
MOCAP_QUATERNION = np.array([1.0, 0.0, 1.0, 0.0])
# Weld from mocap to hand, as Meta-World sets it.
WELD = np.array([0.0, 0, 0, 0, 0, 0, -1, 0, 0, 0, 5])
# Beside the arm; Meta-World's cameras are upside down.
CAMERA = Camera(at=(0.0, 0.65, 0.15), distance=1.5, azimuth=120.0, elevation=-25.0)

# Elements of a frame: hand 3, gripper 1, object position 3, quaternion 4, zeros 7.
FRAME = 18
FRAME_LOW, FRAME_HIGH = np.full(FRAME, -np.inf), np.full(FRAME, np.inf)
FRAME_LOW[:4], FRAME_HIGH[:4] = (-0.525, 0.348, -0.0525, -1.0), (0.525, 1.025, 0.7, 1.0)
# Columns of the kinematics of a row: six positions and a rotation matrix, then the position
# of each extra body of a subclass.
HAND, RIGHT_CLAW, LEFT_CLAW, OBJECT = (slice(i, i + 3) for i in (0, 3, 6, 9))
RIGHT_FINGER, LEFT_FINGER, ROTATION = slice(12, 15), slice(15, 18), slice(18, 27)
SHARED_COLUMNS = 27  # number without extra bodies
OBJECT_COLUMNS, GOAL_COLUMNS = slice(3), slice(3, 6)  # of a suite's table, metres


class SawyerSimulator(MujocoSimulator):
    """Rows of one model; subclasses add rewards and successes.

    Observations hide the goal: their last three elements are zero.
    """

    xml: str  # below metaworld's assets/sawyer_xyz
    extra_bodies: tuple[str, ...] = ()  # bodies whose positions the rewards need
    arrays = ("_mocap", "_frames")

    def __init__(self, suite: Suite, tasks: np.ndarray, threads: int = 1):
        import mujoco

        super().__init__(suite, tasks, threads)
        path = package_file("metaworld", f"assets/sawyer_xyz/{self.xml}")
        self.model = mujoco.MjModel.from_xml_path(path)
        self.model.eq_data[self.model.eq_type == mujoco.mjtEq.mjEQ_WELD] = WELD
        self.goals = suite.goals[self.tasks]  # (N, 3)
        objects = read_table(suite.table)[:, OBJECT_COLUMNS]
        self.objects = objects[self.tasks]  # (N, 3), initial positions
        self.home = _home(self.model)
        self._starts = _starting_states(self.model, self.home, objects, self.tasks)
        self.data = [mujoco.MjData(self.model) for _ in range(self.rows)]
        self._controls = np.zeros((self.rows, 2))
        self._mocap = np.zeros((self.rows, 3))
        self._kinematics = np.zeros(
            (self.rows, SHARED_COLUMNS + 3 * len(self.extra_bodies))
        )
        self._frames = np.zeros((self.rows, 2, FRAME))  # current and previous
        self._views = [self._views_of(row) for row in range(self.rows)]

    def _views_of(self, row: int) -> tuple[Any, ...]:
        """Views of a row, made once: making them costs more than copying through them."""
        data, kinematics = self.data[row], self._kinematics[row]
        inputs = (data.ctrl, self._controls[row], data.mocap_pos[0], self._mocap[row])
        sources = [
            data.body(name).xpos for name in ("hand", "rightclaw", "leftclaw", "obj")
        ]
        sources += [data.site(f"{side}EndEffector").xpos for side in ("right", "left")]
        sources.append(data.geom("objGeom").xmat)
        sources += [data.body(name).xpos for name in self.extra_bodies]
        columns = [HAND, RIGHT_CLAW, LEFT_CLAW, OBJECT, RIGHT_FINGER, LEFT_FINGER, ROTATION]
        columns += [slice(i, i + 3) for i in range(SHARED_COLUMNS, len(kinematics), 3)]
        outputs = [
            (kinematics[c], source) for c, source in zip(columns, sources, strict=True)
        ]
        return (data, *inputs, data.mocap_quat[0], outputs)

    def reset(self, seeds: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
        import mujoco

        full = mujoco.mjtState.mjSTATE_INTEGRATION
        which = np.arange(self.rows) if rows is None else np.flatnonzero(rows)
        for row in which.tolist():
            data, start = self.data[row], self._starts[int(self.tasks[row])]
            if self.suite.varied_starts:
                start = self._shifted(data, start, int(seeds[row]))
            mujoco.mj_setState(self.model, data, start, full)
            # Computes the kinematics, but changes the solver's warm start.
            mujoco.mj_forward(self.model, data)
            mujoco.mj_setState(self.model, data, start, full)
            self._mocap[row] = data.mocap_pos[0]
            for target, source in self._views[row][-1]:
                target[:] = source
        frames = _frames(self._kinematics[which])
        self._frames[which] = frames[:, None]  # previous frame = current
        return self._observations()

    def _shifted(self, data: "mujoco.MjData", start: np.ndarray, seed: int) -> np.ndarray:
        """State ``start`` after the hand has moved by up to the suite's ``start_shift``.

        The shift along each axis is uniform and depends on ``seed`` alone. Rewards are
        those of the ordinary start: their margins do not change.
        """
        import mujoco

        full = mujoco.mjtState.mjSTATE_INTEGRATION
        most = self.suite.start_shift
        shift = np.random.default_rng(seed).uniform(-most, most, 3)
        mujoco.mj_setState(self.model, data, start, full)
        place = data.mocap_pos[0] + shift
        for _ in range(SHIFT_STEPS):
            data.mocap_pos[0], data.mocap_quat[0] = place, MOCAP_QUATERNION
            mujoco.mj_step(self.model, data, FRAME_SKIP)
        shifted = np.empty_like(start)
        mujoco.mj_getState(self.model, data, shifted, full)
        return shifted

    def step(self, actions: np.ndarray) -> Step:
        actions = np.asarray(actions)  # (N, 4); Meta-World scales in the action's type
        moved = self._mocap + np.clip(actions[:, :3], -1, 1) * ACTION_SCALE
        self._mocap[:] = np.clip(moved, MOCAP_LOW, MOCAP_HIGH)
        self._controls[:, 0], self._controls[:, 1] = actions[:, 3], -actions[:, 3]
        self._on_threads(self._advance, np.arange(self.rows))
        self._frames[:, 1] = self._frames[:, 0]
        self._frames[:, 0] = _frames(self._kinematics)
        rewards, successes = self._rewards(actions)
        never = np.zeros(self.rows, dtype=bool)
        return Step(self._observations(), rewards, never, successes)

    def _advance(self, rows: Sequence[int]) -> None:
        """Step the physics of ``rows``. Runs on a thread."""
        import mujoco

        model, views = self.model, self._views
        for row in rows:
            data, ctrl, control, mocap, position, quaternion, outputs = views[row]
            ctrl[:] = control
            mocap[:] = position
            quaternion[:] = MOCAP_QUATERNION
            mujoco.mj_step(model, data, FRAME_SKIP)
            # Also sets the solver's next warm start, without which the following steps
            # differ in their last bits.
            mujoco.mj_forward(model, data)
            for target, source in outputs:
                target[:] = source

    @abstractmethod
    def _rewards(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rewards (N,) float64 and successes (N,) bool of the state after ``actions``."""

    def _fingers(self) -> np.ndarray:
        """Points (N, 3) halfway between the finger tips; Meta-World's ``tcp_center``."""
        return (self._kinematics[:, RIGHT_FINGER] + self._kinematics[:, LEFT_FINGER]) / 2.0

    def _observations(self) -> np.ndarray:
        return self._stacked(np.zeros_like(self.goals)).astype(np.float32)

    @property
    def expert_observations(self) -> np.ndarray:
        """Observations (N, 39) float64 for scripted experts, ending with the goal."""
        return self._stacked(self.goals)

    def _stacked(self, goals: np.ndarray) -> np.ndarray:
        frames = np.clip(self._frames, FRAME_LOW, FRAME_HIGH).reshape(self.rows, 2 * FRAME)
        return np.concatenate([frames, goals], axis=1)


def _home(model: "mujoco.MjModel") -> "mujoco.MjData":
    """Data of the arm after its way home, with the object at the model's position.

    Positions of bodies are from before the last physics step, as Meta-World reads them.
    """
    import mujoco

    home = mujoco.MjData(model)
    for _ in range(HOME_STEPS):
        home.mocap_pos[0], home.mocap_quat[0] = HAND_HOME, MOCAP_QUATERNION
        home.ctrl[:] = (-1, 1)
        mujoco.mj_step(model, home, FRAME_SKIP)
    return home


def _starting_states(
    model: "mujoco.MjModel", home: "mujoco.MjData", objects: np.ndarray, tasks: np.ndarray
) -> dict[int, np.ndarray]:
    """State after Meta-World's reset, by task: the hand is home, the object in place."""
    import mujoco

    full = mujoco.mjtState.mjSTATE_INTEGRATION
    starts = {}
    for task in sorted(set(tasks.tolist())):
        data = copy.copy(home)
        data.qpos[9:12] = objects[task]
        data.qvel[9:15] = 0
        mujoco.mj_forward(model, data)
        starts[task] = np.empty(mujoco.mj_stateSize(model, full))
        mujoco.mj_getState(model, data, starts[task], full)
    return starts


def _frames(kinematics: np.ndarray) -> np.ndarray:
    """Frames (N, 18) from the kinematics of N rows."""
    from scipy.spatial.transform import Rotation

    frames = np.zeros((len(kinematics), FRAME))
    frames[:, :3] = kinematics[:, HAND]
    opening = norms(kinematics[:, RIGHT_CLAW] - kinematics[:, LEFT_CLAW])
    frames[:, 3] = np.clip(opening / 0.1, 0.0, 1.0)
    frames[:, 4:7] = kinematics[:, OBJECT]
    rotations = kinematics[:, ROTATION].reshape(-1, 3, 3)
    frames[:, 7:11] = Rotation.from_matrix(rotations).as_quat()
    return frames


def norms(vectors: np.ndarray) -> np.ndarray:
    """Lengths of vectors (N, D); a dot product, to be bit-equal to ``np.linalg.norm``."""
    return np.sqrt(np.vecdot(vectors, vectors))
