"""A small valid file of a teacher's policies, which the tests damage."""

from pathlib import Path
from typing import Any

import numpy as np

ENVIRONMENT = "hopper"
WIDTH = 4  # units of the hidden layer


def suite() -> Any:
    from trajprompt.tasks.registry import get_suite

    return get_suite(f"{ENVIRONMENT}-medium")


def make_teacher(path: Path) -> None:
    from trajprompt.collect.mlp_policy import MlpPolicy
    from trajprompt.collect.teacher import Snapshot, Teacher, save_teacher

    states, actions = suite().state_dim, suite().action_dim
    policy = MlpPolicy(
        weights=(np.ones((states, WIDTH)), np.ones((WIDTH, actions))),
        biases=(np.zeros(WIDTH), np.zeros(actions)),
        shift=np.zeros(states),
        scale=np.ones(states),
        limit=np.array(10.0),
        log_std=np.zeros(actions),
    )
    returns = (20.0, 1200.0, 3100.0)
    snapshots = tuple(Snapshot(1000 * n, r, r, policy) for n, r in enumerate(returns))
    save_teacher(path, Teacher(ENVIRONMENT, snapshots, 1, 2), {"stage": "teach"})
