"""What a task asks for, in words."""

from collections.abc import Callable

import numpy as np

from trajprompt.tasks.suites import get_suite


def _direction(goal: np.ndarray) -> str:
    return "run forwards" if goal[0] > 0 else "run backwards"


def _speed(goal: np.ndarray) -> str:
    return f"run forwards at {goal[0]:.3g} m/s"


def _heading(goal: np.ndarray) -> str:
    return f"walk towards {np.degrees(goal[0]) % 360:.0f}°"


def _place(goal: np.ndarray) -> str:
    return f"reach ({', '.join(f'{x:.2f}' for x in goal)}) m"


def _bring(goal: np.ndarray) -> str:
    return f"bring the puck to ({', '.join(f'{x:.2f}' for x in goal)}) m"


def _point(goal: np.ndarray) -> str:
    return f"walk to ({goal[0]:.2f}, {goal[1]:.2f})"


WORDS: dict[str, Callable[[np.ndarray], str]] = {
    "cheetah-dir": _direction,
    "cheetah-vel": _speed,
    "ant-dir": _heading,
    "ant-dir-ood": _heading,
    "reach": _place,
    "pick-place": _bring,
    "point-sparse": _point,
}


def goal_text(suite: str, task: int) -> str:
    """E.g. ``run forwards at 0.6 m/s``."""
    return WORDS[suite](get_suite(suite).goals[task])
