"""The scripted expert of pick-place: above the puck, down to it, grip, and to the goal.

Its decisions are those of metaworld 3.1.1's ``SawyerPickPlaceV3Policy``. It remembers
nothing: a puck that it loses is picked up again.
"""

import numpy as np

from trajprompt.tasks.sawyer import SawyerSimulator, norms

GAIN = 10.0  # action per metre of error
GRASP = np.array([-0.005, 0.0, 0.0])  # where the hand takes the puck, from its middle
ABOVE = np.array([0.0, 0.0, 0.1])
ONTO = np.array([0.0, 0.0, 0.03])
ASIDE = 0.02  # metres in the plane from which on the hand is not above the puck
HIGH = 0.05  # metres over the puck from which on the hand is not down yet
LYING = 0.04  # height below which the puck is not lifted yet
OPEN = 0.73  # of the gripper's greatest opening: more than that holds nothing
NEAR = 0.07  # metres from hand to puck within which the gripper closes
HAND, OPENING, PUCK, GOAL = slice(0, 3), 3, slice(4, 7), slice(36, 39)


def pick_place_actions(simulator: SawyerSimulator, observations: np.ndarray) -> np.ndarray:
    """(N, 4); the simulator is asked for the goal, which ``observations`` hide."""
    seen = simulator.expert_observations  # (N, 39)
    hands, pucks = seen[:, HAND], seen[:, PUCK]
    actions = np.zeros((len(seen), 4), np.float32)
    actions[:, :3] = GAIN * (_wanted(seen) - hands)
    actions[:, 3] = norms(hands - pucks) < NEAR
    return actions


def _wanted(seen: np.ndarray) -> np.ndarray:
    """(N, 3): where the hands are to go; the first thing that is not done yet decides."""
    hands, grasps = seen[:, HAND], seen[:, PUCK] + GRASP
    aside = norms(hands[:, :2] - grasps[:, :2]) > ASIDE
    high = (np.abs(hands[:, 2] - grasps[:, 2]) > HIGH) & (grasps[:, 2] < LYING)
    waits = seen[:, OPENING] > OPEN
    to_do = [mask[:, None] for mask in (aside, high, waits)]
    return np.select(to_do, [grasps + ABOVE, grasps + ONTO, hands], seen[:, GOAL])
