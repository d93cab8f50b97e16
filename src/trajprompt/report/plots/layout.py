"""Pictures whose panels do not all have the same size."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from trajprompt.report.style import SETTINGS

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure

WIDTH = 10.2  # inches, as a picture of two panels in the house style


@contextmanager
def canvas(
    rows: int, columns: int, height: float, **grid: Any
) -> Iterator[tuple["Figure", "np.ndarray"]]:
    """Axes (rows, columns) of the house style; ``grid`` is for matplotlib's subplots."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    settings: Any = SETTINGS
    with matplotlib.rc_context(settings):
        figure, axes = pyplot.subplots(
            rows,
            columns,
            figsize=(WIDTH, height),
            squeeze=False,
            layout="constrained",
            **grid,
        )
        yield figure, axes
        pyplot.close(figure)
