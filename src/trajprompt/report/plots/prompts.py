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
    """Prompts of one cell before and after tuning; R of them, with P steps each."""

    suite: str
    entry: Entry
    seed: int
    tasks: np.ndarray  # (R,) task index
    initial: np.ndarray  # (R, P, 1 + S + A): return-to-go, state, action of each step
    last: np.ndarray  # same shape as ``initial``
    sizes: tuple[int, int, int]  # of PARTS: 1, S, A
    stored: "StoredAdaptation"  # the complete file

    def require(self, name: str) -> np.ndarray:
        """Values of an extra array of the method; an error if it is missing."""
        extras = self.stored.extras
        if name not in extras:
            found = f"found extras {sorted(extras)}"
            remedy = "leave entries whose methods do not store it out of the figure"
            raise TrajpromptError(self.where, found, f"also {name}", remedy)
        return extras[name].values

    def by_task(self, values: np.ndarray) -> np.ndarray:
        """Means over the prompts of each task, (R, ..) to (T, ..), in order of tasks."""
        tasks = np.unique(self.tasks)
        return np.stack([values[self.tasks == task].mean(axis=0) for task in tasks])

    def made_from(self) -> dict[str, str]:
        """Inputs of stage 3: path -> hash."""
        text = self.stored.attributes.get("inputs", "{}")
        return json_object(text, f"{self.where}: inputs", "run `trajprompt tune` again")

    @property
    def segments(self) -> int:
        """Number of segments of a prompt, J; each has P / J steps."""
        return self.stored.prompt_segments

    @property
    def where(self) -> str:
        """Name of the cell in error messages."""
        names = self.suite, self.entry.condition, self.entry.method
        return f"{'/'.join(names)}/seed{self.seed}"

    @property
    def parts(self) -> list[tuple[str, int]]:
        """Part and dimension within it for every element of a step."""
        pairs = zip(PARTS, self.sizes, strict=True)
        return [(part, dimension) for part, size in pairs for dimension in range(size)]


def read_cells(paths: Sequence[str | Path], run: Run) -> list[PromptCell]:
    """Cells of ``run`` from the files, ordered by entry, suite and seed.

    A missing cell is an error.
    """
    files = {_names(path): path for path in paths}
    cells = []
    for entry in run.entries:
        for suite in (name for name in run.suites if entry.covers(name)):
            for seed in run.seeds:
                names = (suite, entry.condition, entry.method, seed)
                if names not in files:
                    path = f"results/{run.name}/3_tune/{suite}/{entry.condition}"
                    where = f"{path}/{entry.method}/seed{seed}.h5"
                    remedy = f"entry {entry.id} needs it: run `snakemake` for that file"
                    found = "missing in --adaptations"
                    raise TrajpromptError(where, found, "all cells of the figure", remedy)
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
        text, expected = "found an adaptation without prompts", "one with prompts"
        remedy = "leave entries whose backbone takes no prompt out of the figure"
        raise TrajpromptError(path, text, expected, remedy)
    sizes = (1, stored.initial.states.shape[-1], stored.initial.actions.shape[-1])
    initial, last = (_steps(prompts) for prompts in (stored.initial, stored.last))
    found = (stored.rows, initial, last, sizes, stored)
    return PromptCell(suite, entry, seed, *found)


def _steps(prompts: "Segments") -> np.ndarray:
    """Concatenate return-to-go, state and action to (R, P, 1 + S + A)."""
    found = prompts.returns_to_go, prompts.states, prompts.actions
    return np.concatenate([part.numpy() for part in found], axis=-1)
