"""Batched simulator of Meta-World's reach-v3, bit-equal to its environment.

Reward (version v2) and success follow metaworld 3.1.1's ``SawyerReachEnvV3``. The split
follows Table 5 of Prompt-Tuning DT (arXiv:2305.09648).
"""

import numpy as np

from trajprompt.tasks.sawyer import (
    CAMERA,
    GOAL_COLUMNS,
    HAND_HOME,
    START_SHIFT,
    SawyerSimulator,
    norms,
)
from trajprompt.tasks.suites import Suite, read_table

TARGET_RADIUS = 0.05  # metres; also the threshold of success
GAIN = 5.0  # metaworld/policies/sawyer_reach_v3_policy.py: move(..., p=5.0)


class ReachSimulator(SawyerSimulator):
    """Rows of reach-v3, whose task is to move the hand to the goal."""

    xml = "sawyer_reach_v3.xml"

    def __init__(self, suite: Suite, tasks: np.ndarray, threads: int = 1):
        super().__init__(suite, tasks, threads)
        self._margins = norms(HAND_HOME - self.goals)  # (N,)

    def _rewards(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rewards v2 (10 within the target's radius, a long tail outside) and successes."""
        distance = norms(self._fingers() - self.goals)  # (N,)
        inside = distance <= TARGET_RADIUS
        excess = (distance - TARGET_RADIUS) / self._margins
        tail = 1 / ((excess * np.sqrt(1 / 0.1 - 1)) ** 2 + 1)  # 0.1 at one margin away
        return 10 * np.where(inside, 1.0, tail), inside


def expert(simulator: ReachSimulator, observations: np.ndarray) -> np.ndarray:
    """Actions (N, 4) of metaworld 3.1.1's ``SawyerReachV3Policy``: move to the goal.

    The goal, which ``observations`` hide, is read from the simulator.
    """
    seen = simulator.expert_observations  # (N, 39)
    actions = np.zeros((len(seen), 4), np.float32)  # no grip
    actions[:, :3] = GAIN * (seen[:, 36:] - seen[:, :3])
    return actions


def words(goal: np.ndarray) -> str:
    return f"reach ({', '.join(f'{x:.2f}' for x in goal)}) m"


REACH = Suite(
    name="reach",
    label="MW reach",
    words=words,
    simulator=ReachSimulator,
    state_dim=39,
    action_dim=4,
    # No source states it. The return-to-go target of 650 needs about 82 steps of the
    # scripted expert (reference code: 500 steps, an expert return of 4832).
    horizon=82,
    dt=0.0125,
    deterministic_resets=True,
    start_shift=START_SHIFT,
    goals=read_table("reach.csv")[:, GOAL_COLUMNS],
    goal_unit="m",
    table="reach.csv",
    # PTDT Table 5: tasks 1 to 20; index 0 and indices above 20 are never used.
    train_tasks=(1, 2, 3, 4, 5, 7, 8, 10, 11, 12, 13, 14, 17, 18, 19),
    test_tasks=(6, 9, 15, 16, 20),
    target_return=650,  # PTDT Table 6
    return_scale=650,  # the scale of Prompt-DT's code (PDT)
    expert=expert,
    camera=CAMERA,
    goal_mark="site",
)

SUITES = (REACH,)
