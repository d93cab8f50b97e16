"""Numbers of tuned parameters: ours from the adaptations, and the papers' counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from trajprompt.adaptations.layout import open_adaptation
from trajprompt.artifacts.hdf5_attributes import get_attributes, get_integer
from trajprompt.report.read.cells import Entry
from trajprompt.report.read.tables import read_table

REMEDY = "run `trajprompt tune`"
PRINTED_COLUMNS = ["entry", "printed", "percentage", "source", "note"]


@dataclass(frozen=True)
class Size:
    """Parameters tuned for one prompt of one task, and parameters of the backbone."""

    tuned: int
    backbone: int

    @property
    def percentage(self) -> float:
        return 100 * self.tuned / self.backbone


@dataclass(frozen=True)
class PrintedSize:
    """A paper's parameter count and its share of the backbone, both as printed."""

    printed: str  # e.g. 0.17M; empty if only the share is printed
    percentage: float
    source: str
    note: str

    @property
    def text(self) -> str:
        share = f"{self.percentage:g} %"
        return f"{self.printed} ({share})" if self.printed else share


class Sizes:
    """Parameter counts by cell; equal for all seeds, so one file per cell is enough."""

    def __init__(self, paths: Sequence[str | Path] = ()):
        self._sizes: dict[tuple[str, str, str], Size] = {}
        for path in paths:
            with open_adaptation(path) as file:
                names = get_attributes(file)
                counts = [
                    get_integer(file, f"{part}_parameters", str(path), REMEDY)
                    for part in ("tuned", "backbone")
                ]
            suite, condition, method = (
                str(names.get(name)) for name in ("suite", "condition", "method")
            )
            self._sizes[suite, condition, method] = Size(*counts)

    def get(self, suite: str, entry: Entry) -> Size | None:
        """Counts of a cell, or None if no adaptation of it was given."""
        return self._sizes.get((suite, entry.condition, entry.method))


def read_printed(path: str | Path | None) -> dict[str, PrintedSize]:
    """Read the counts that a paper prints, by entry id; empty without a file."""
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
