"""What uniformly random actions earn: 0 of the normalised returns."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trajprompt.errors import TrajpromptError
from trajprompt.report.cells import read_evaluation
from trajprompt.settings.stages import RANDOM_POLICY

MADE_BY = f"trajprompt {RANDOM_POLICY}"


@dataclass(frozen=True)
class RandomPlay:
    """Mean returns of one suite's tasks."""

    path: Path
    suite: str
    means: dict[int, float]  # by task
    episodes: int  # per task

    def returns(self, tasks: Sequence[int]) -> np.ndarray:
        """(T,) of ``tasks``."""
        missing = [task for task in tasks if task not in self.means]
        if missing:
            found, expected = f"tasks {sorted(self.means)}", f"also {missing}"
            raise TrajpromptError(self.path, found, expected, f"run `{MADE_BY}`")
        return np.array([self.means[task] for task in tasks])


def read_random_play(path: str | Path) -> RandomPlay:
    """From the file of one suite."""
    table = read_evaluation(path, MADE_BY)
    cells = list(table.groupby(["suite", "method"]).groups)
    if len(cells) != 1 or cells[0][1] != RANDOM_POLICY:
        found = f"episodes of (suite, method) {cells[:3]}"
        expected = f"one suite's, of {RANDOM_POLICY}"
        raise TrajpromptError(path, found, expected, f"run `{MADE_BY}`")
    returns = table.groupby("task")["return"]
    means = {int(task): float(mean) for task, mean in returns.mean().items()}
    return RandomPlay(Path(path), cells[0][0], means, int(returns.count().min()))
