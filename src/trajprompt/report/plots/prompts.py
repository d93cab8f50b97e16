"""Prompts of a run's cells, before and after tuning, from the adaptation files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from trajprompt.errors import TrajpromptError
from trajprompt.report.read.cells import Entry
from trajprompt.report.read.run import Run
from trajprompt.settings.parsing import json_object

if TYPE_CHECKING:
    from trajprompt.adaptations.read import StoredAdaptation
    from trajprompt.trajectories.segments import Segments

PARTS = ("return-to-go", "state", "action")  # of a step, in the order of PTDT's Eq. 4
UNITS = {
    "return-to-go": "reward / scale",
    "state": "standard deviations of the training data",
    "action": "simulator's unit",
}


@dataclass(frozen=True)
class PromptCell:
    """What one method made of the R prompts of one suite under one seed."""

    suite: str
    entry: Entry
    seed: int
    tasks: np.ndarray  # (R,) task index
    initial: np.ndarray  # (R, P, 1 + S + A): return-to-go, state, action of each step
    last: np.ndarray  # as ``initial``
    sizes: tuple[int, int, int]  # of PARTS
    stored: "StoredAdaptation"  # all that the file holds

    def require(self, name: str) -> np.ndarray:
        """An array that the method left for the report."""
        extras = self.stored.extras
        if name not in extras:
            found = f"extras {sorted(extras)}"
            expected = f"also {name}, which other methods leave"
            raise TrajpromptError(self.where, found, expected)
        return extras[name].values

    def by_task(self, values: np.ndarray) -> np.ndarray:
        """(R, ..) to (T, ..): means over a task's prompts, in the order of the tasks."""
        tasks = np.unique(self.tasks)
        return np.stack([values[self.tasks == task].mean(axis=0) for task in tasks])

    def made_from(self) -> dict[str, str]:
        """Path -> hash of the inputs of stage 3."""
        text = self.stored.attributes.get("inputs", "{}")
        return json_object(text, f"{self.where}: inputs")

    @property
    def segments(self) -> int:
        """J, of P / J steps each."""
        return self.stored.prompt_segments

    @property
    def where(self) -> str:
        """The cell, for errors."""
        names = self.suite, self.entry.condition, self.entry.method
        return f"{'/'.join(names)}/seed{self.seed}"

    @property
    def parts(self) -> list[tuple[str, int]]:
        """(part, dimension within it) of every number of a step."""
        pairs = zip(PARTS, self.sizes, strict=True)
        return [(part, number) for part, size in pairs for number in range(size)]


def read_cells(paths: Sequence[str | Path], run: Run) -> list[PromptCell]:
    """The cells of ``run`` among the files; one that is missing is an error."""
    files = {_names(path): path for path in paths}
    cells = []
    for entry in run.entries:
        for suite in (name for name in run.suites if entry.covers(name)):
            for seed in run.seeds:
                names = (suite, entry.condition, entry.method, seed)
                if names not in files:
                    path = f"results/{run.name}/3_tune/{suite}/{entry.condition}"
                    where = f"{path}/{entry.method}/seed{seed}.h5"
                    raise TrajpromptError(where, "not among the adaptations")
                cells.append(_read(files[names], suite, entry, seed))
    return cells


def _names(path: str | Path) -> tuple[str, str, str, int]:
    from trajprompt.adaptations.layout import open_adaptation
    from trajprompt.artifacts.hdf5_attributes import get_attributes

    with open_adaptation(path) as file:
        found = get_attributes(file)
    suite, condition, method = (str(found[n]) for n in ("suite", "condition", "method"))
    return suite, condition, method, int(found["seed"])


def _read(path: str | Path, suite: str, entry: Entry, seed: int) -> PromptCell:
    from trajprompt.adaptations.read import read_adaptation

    stored = read_adaptation(path)
    if stored.initial is None or stored.last is None:
        expected = "a method and a condition with prompts"
        raise TrajpromptError(path, "an adaptation without prompts", expected)
    sizes = (1, stored.initial.states.shape[-1], stored.initial.actions.shape[-1])
    initial, last = (_steps(prompts) for prompts in (stored.initial, stored.last))
    found = (stored.rows, initial, last, sizes, stored)
    return PromptCell(suite, entry, seed, *found)


def _steps(prompts: "Segments") -> np.ndarray:
    """(R, P, 1 + S + A)"""
    found = prompts.returns_to_go, prompts.states, prompts.actions
    return np.concatenate([part.numpy() for part in found], axis=-1)
