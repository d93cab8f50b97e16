"""Meta-World environments of a given task, and actions to step them with."""

import pickle
from types import SimpleNamespace

import mujoco
import numpy as np
from metaworld.envs.sawyer_reach_v3 import SawyerReachEnvV3

from trajprompt.tasks.suites import read_table

TASKS = np.array([1, 9, 20])
STEPS = 90
PINNED_MUJOCO = mujoco.__version__ == "3.3.0"  # not on Python 3.14


def metaworld_environment(task, hidden=True, kind=SawyerReachEnvV3, table="reach.csv"):
    environment = kind()
    content = {
        "rand_vec": read_table(table)[task],
        "env_cls": kind,
        "partially_observable": hidden,
    }
    environment.set_task(SimpleNamespace(data=pickle.dumps(content)))
    return environment


def action_sequences():
    """Actions, some out of bounds; half in float64, as Meta-World scales in their type."""
    actions = np.random.default_rng(0).uniform(-1.5, 1.5, (STEPS, len(TASKS), 4))
    actions[:, 1] += 0.7  # reaches the limits of the workspace
    return [a.astype(np.float32) if t < STEPS // 2 else a for t, a in enumerate(actions)]
