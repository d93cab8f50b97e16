"""Walkers that differ in their bodies: masses, inertias, joint damping and friction.

Walker-2D-Params of FOCAL (arXiv 2010.01112), with the environment of rand_param_envs: Gym's
Walker2d with physics steps of 4 ms, and these parameters multiplied by random factors.
Differences from the reference:

- The factors of the 50 tasks are drawn from the same distribution, but they are ours:
  FOCAL's are only in its data archive.
- The model is Gymnasium's ``walker2d.xml``, of the same geometry. MuJoCo cannot read the
  reference's file any more, because it has global coordinates.

As there, the inverse weights that MuJoCo derives from masses (``mj_setConst``) remain those
of the unchanged model. They scale the softness of contacts and of the joints' limits.
"""

import copy
from typing import TYPE_CHECKING

import numpy as np

from trajprompt.tasks.d4rl import Walker2d
from trajprompt.tasks.suites import Suite, read_table

if TYPE_CHECKING:
    import mujoco

# Arrays of MjModel, in the order of the table's columns, and the bases of their factors.
PARAMETERS = {
    "body_mass": 1.5,  # (bodies,)
    "body_inertia": 1.5,  # (bodies, 3)
    "dof_damping": 1.3,  # (degrees of freedom,)
    "geom_friction": 1.5,  # (geoms, 3)
}
# Columns that are the goal in stores and texts: masses of the torso and the six parts of
# the legs. Column 0 is the world's mass, which is 0.
MASSES = slice(1, 8)


class WalkerParams(Walker2d):
    """Walker whose body depends on its task; a control step has 16 ms."""

    timestep = 0.004

    def _models_of_rows(self) -> "list[mujoco.MjModel]":
        exponents = read_table(self.suite.table)
        tasks = np.unique(self.tasks).tolist()
        models = {task: changed(self.model, exponents[task]) for task in tasks}
        return [models[task] for task in self.tasks.tolist()]


def changed(model: "mujoco.MjModel", exponents: np.ndarray) -> "mujoco.MjModel":
    """A copy of ``model`` whose `PARAMETERS` are multiplied by base ** exponent.

    ``exponents`` (E,) are those of all elements of these arrays.
    """
    made = copy.copy(model)
    arrays = [getattr(made, name) for name in PARAMETERS]
    ends = np.cumsum([array.size for array in arrays])
    parts = np.split(exponents, ends[:-1])
    for array, part, base in zip(arrays, parts, PARAMETERS.values(), strict=True):
        array *= base ** part.reshape(array.shape)
    return made


def words(goal: np.ndarray) -> str:
    factor = PARAMETERS["body_mass"] ** goal[0]
    return f"run forwards with a torso of {factor:.2f} times the mass"


WALKER_PARAMS = Suite(
    name="walker-params",
    label="Walker-params",
    words=words,
    simulator=WalkerParams,
    state_dim=17,
    action_dim=6,
    horizon=200,
    dt=0.016,
    goals=read_table("walker_params.csv")[:, MASSES],  # exponents
    goal_unit="1",
    table="walker_params.csv",
    train_tasks=tuple(range(40)),
    test_tasks=tuple(range(40, 50)),
    # Users of the environment report about 800 (ProMP's issue 15, BOReL's issue 1). PPO's
    # last episodes return 330 after 600,000 steps, 457 on its best task.
    target_return=800,
    return_scale=500,  # as the ants'
    camera="track",
)

SUITES = (WALKER_PARAMS,)
