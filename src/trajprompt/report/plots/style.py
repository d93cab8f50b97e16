"""Style and output of figures: equal content gives equal bytes."""

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trajprompt.artifacts.atomic import atomic_path

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe & Ito 2008, "Color Universal Design": distinguishable under every colour blindness.
BLACK, BLUE, VERMILION, GREEN = "#000000", "#0072B2", "#D55E00", "#009E73"
ORANGE, SKY, PURPLE, YELLOW = "#E69F00", "#56B4E9", "#CC79A7", "#F0E442"
OKABE_ITO = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION, BLACK, YELLOW)  # many tasks
# Tol's "muted" scheme adds darker colours that Okabe & Ito's palette lacks.
WINE, INDIGO, OLIVE, BROWN = "#882255", "#332288", "#999933", "#661100"
# Lines and marks on white: no yellow; black is left to what is not tuned.
CYCLE = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, WINE, INDIGO, OLIVE, BROWN)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p")  # in the order of CYCLE
GREY = "#767676"  # not in the palette
PANEL_INCHES = (4.6, 3.1)
TWO_PANELS_INCHES = 2 * PANEL_INCHES[0] + 1.0  # width of a figure with two panels
ROW_INCHES = 0.21  # per method in a panel that lists methods vertically
LETTER_INCHES, ENTRY_INCHES = 0.085, 0.75  # of a legend: a letter; the mark and its gaps
NOTE_POINTS, NOTE_INCHES = 9, 0.078  # size of a heading's text; mean width of a letter
PNG_DPI = 110  # a two-panel figure is about 1000 pixels wide, the width of a README

SETTINGS: dict[str, Any] = {
    "font.family": "DejaVu Sans",  # ships with matplotlib: same glyphs on every machine
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "legend.frameon": False,
    "figure.facecolor": "white",
    "svg.hashsalt": "trajprompt",  # deterministic element ids
}


@contextmanager
def panels(
    count: int, share_y: bool = False, height: float = PANEL_INCHES[1]
) -> Iterator[tuple["Figure", list["Axes"]]]:
    """Figure of ``count`` panels, two per row, drawn off-screen in the common style.

    A single panel is as wide as two, so that stacked figures have the same width.
    """
    across = min(2, count)
    down = -(-count // across)
    width = PANEL_INCHES[0] * (2 if count == 1 else 1) * across + 1.0
    with canvas(down, across, height * down + 0.6, width, sharey=share_y) as (figure, axes):
        flat = list(axes.flat)
        for spare in flat[count:]:
            spare.set_visible(False)
        yield figure, flat[:count]


@contextmanager
def canvas(
    rows: int, columns: int, height: float, width: float = TWO_PANELS_INCHES, **grid: Any
) -> Iterator[tuple["Figure", "np.ndarray"]]:
    """Figure and axes (rows, columns) in the common style, drawn off-screen.

    Sizes are in inches; ``grid`` is passed to matplotlib's ``subplots``.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    settings: Any = SETTINGS  # matplotlib's type lists every known key
    with matplotlib.rc_context(settings):
        figure, axes = pyplot.subplots(
            rows,
            columns,
            figsize=(width, height),
            squeeze=False,
            layout="constrained",
            **grid,
        )
        yield figure, axes
        pyplot.close(figure)


def list_height(rows: int) -> float:
    """Height in inches of a panel that lists ``rows`` methods vertically."""
    return max(PANEL_INCHES[1], 1.0 + ROW_INCHES * rows)


def legend_below(figure: "Figure", axes: list["Axes"]) -> None:
    """Draw one legend below all panels, with one entry per label."""
    entries: dict[str, Any] = {}
    for axis in axes:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    if not entries:
        return
    widest = ENTRY_INCHES + LETTER_INCHES * max(map(len, entries))
    columns = max(1, min(4, len(entries), int(figure.get_figwidth() / widest)))
    figure.legend(
        list(entries.values()), list(entries), loc="outside lower center", ncols=columns
    )


def headline(figure: "Figure", title: str, *notes: str) -> None:
    """Write the title of a figure above its panels, and notes below the title.

    ``notes`` are joined by semicolons and wrapped to the width of the figure.
    """
    across = int(figure.get_figwidth() / NOTE_INCHES)
    lines = textwrap.wrap("; ".join(note for note in notes if note), across)
    figure.suptitle("\n".join([title, *lines]), fontsize=NOTE_POINTS)


def save(figure: "Figure", stem: str | Path) -> None:
    """Write ``stem``.svg and ``stem``.png without dates and versions."""
    metadata: dict[str, dict[str, None]] = {
        ".svg": {"Date": None, "Creator": None},
        ".png": {"Software": None},
    }
    for suffix, empty in metadata.items():
        with atomic_path(Path(f"{stem}{suffix}")) as path:
            figure.savefig(path, metadata=empty, dpi=PNG_DPI)
