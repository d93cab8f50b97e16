"""How many numbers a method tunes: ours from the adaptations, and what a paper prints."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from trajprompt.hdf5_attributes import get_attributes, get_integer
from trajprompt.report.cells import Column
from trajprompt.report.reading import read_table
from trajprompt.tuning.adaptation_layout import open_adaptation

REMEDY = "run `python -m trajprompt.tune`"
PRINTED_COLUMNS = ["column", "printed", "parameters", "percentage", "source", "note"]


@dataclass(frozen=True)
class Size:
    """Numbers tuned for one prompt of one task, and numbers of the whole backbone."""

    tuned: int
    backbone: int

    @property
    def percentage(self) -> float:
        return 100 * self.tuned / self.backbone


@dataclass(frozen=True)
class PrintedSize:
    """A paper's count as it prints it, and what share it calls it."""

    printed: str  # e.g. 0.17M
    percentage: float
    source: str
    note: str


class Sizes:
    """Counts by cell; all seeds of a cell tune equally many, so any one file will do."""

    def __init__(self, paths: Sequence[str | Path] = ()):
        self._sizes: dict[tuple[str, str, str], Size] = {}
        for path in paths:
            with open_adaptation(path) as file:
                names = get_attributes(file)
                counts = [
                    get_integer(file, f"{what}_parameters", str(path), REMEDY)
                    for what in ("tuned", "backbone")
                ]
            cell = tuple(str(names.get(name)) for name in ("suite", "setting", "method"))
            self._sizes[cell] = Size(*counts)  # type: ignore[index]

    def get(self, suite: str, column: Column) -> Size | None:
        """The counts of a cell, or None where no adaptation of it was given."""
        return self._sizes.get((suite, column.setting, column.method))


def read_printed(path: str | Path | None) -> dict[str, PrintedSize]:
    """Column id -> the count that a paper prints for it."""
    if path is None:
        return {}
    table = read_table(
        path, "git checkout published/", PRINTED_COLUMNS, ("parameters", "percentage")
    )
    rows = table.fillna({"note": ""}).to_dict("records")
    return {
        str(row["column"]): PrintedSize(
            str(row["printed"]), float(row["percentage"]), row["source"], row["note"]
        )
        for row in rows
    }
