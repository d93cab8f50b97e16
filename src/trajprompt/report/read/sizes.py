"""How many numbers a method tunes: ours from the adaptations, and what a paper prints."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from trajprompt.adaptations.layout import open_adaptation
from trajprompt.artifacts.hdf5_attributes import get_attributes, get_integer
from trajprompt.report.read.cells import Entry
from trajprompt.report.read.tables import read_table

REMEDY = "run `python -m trajprompt.commands.tune`"
PRINTED_COLUMNS = ["entry", "printed", "percentage", "source", "note"]


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

    printed: str  # e.g. 0.17M; empty where only the share is printed
    percentage: float
    source: str
    note: str

    @property
    def text(self) -> str:
        share = f"{self.percentage:g} %"
        return f"{self.printed} ({share})" if self.printed else share


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
            suite, condition, method = (
                str(names.get(name)) for name in ("suite", "condition", "method")
            )
            self._sizes[suite, condition, method] = Size(*counts)

    def get(self, suite: str, entry: Entry) -> Size | None:
        """The counts of a cell, or None where no adaptation of it was given."""
        return self._sizes.get((suite, entry.condition, entry.method))


def read_printed(path: str | Path | None) -> dict[str, PrintedSize]:
    """Entry id -> the count that a paper prints for it, from its file of sizes, if any."""
    if path is None:
        return {}
    made_by = "git checkout papers/"
    table = read_table(path, made_by, PRINTED_COLUMNS, ("percentage",))
    rows = table.fillna({"note": "", "printed": ""}).to_dict("records")
    return {
        str(row["entry"]): PrintedSize(
            str(row["printed"]), float(row["percentage"]), row["source"], row["note"]
        )
        for row in rows
    }
