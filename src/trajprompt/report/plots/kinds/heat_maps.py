"""A prompt before and after tuning as heat maps (PTDT Figure 6).

The paper shows ten samples: 0 to 4 are the initial prompt, 5 to 9 the tuned one. They are
read here as the five steps of one prompt. The paper does not name the suite.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from trajprompt.report.pages.formats import span, suite_label
from trajprompt.report.plots.figure import Figure
from trajprompt.report.plots.marks import plural
from trajprompt.report.plots.prompts import UNITS, PromptCell
from trajprompt.report.plots.style import canvas, headline, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

SHOWN = ("state", "action", "return-to-go")
MOMENTS = ("before", "after")  # tuning
COLOURS = "PuOr"  # diverging; distinguishable under every colour blindness
SATURATION = 0.98  # quantile of a part's absolute values at which colours saturate
MAGNIFICATIONS = (1, 2, 5, 10, 20, 50, 100, 1000, 10000)  # of the change
ROW_INCHES, HEAD_INCHES = 0.13, 0.45
MIN_COLUMNS = 6  # least width of a part's panel


def table(figure: Figure) -> pd.DataFrame:
    """Prompt values before and after tuning: a row per cell, prompt, step and dimension."""
    return pd.concat([_cell_table(cell) for cell in figure.prompts()], ignore_index=True)


def _cell_table(cell: PromptCell) -> pd.DataFrame:
    shape = cell.initial.shape  # (R, P, 1 + S + A)
    row, step, place = (axis.ravel() for axis in np.indices(shape))
    parts = np.array([part for part, _ in cell.parts])
    dimensions = np.array([dimension for _, dimension in cell.parts])
    return pd.DataFrame(
        {
            "suite": cell.suite,
            "column": cell.entry.id,
            "label": cell.entry.label,
            "seed": cell.seed,
            "task": cell.tasks[row],
            "row": row,
            "part": parts[place],
            "segment": step * cell.segments // shape[1],
            "step": step,
            "dimension": dimensions[place],
            "before": cell.initial.ravel(),
            "after": cell.last.ravel(),
        }
    )


def draw(rows: pd.DataFrame, figure: Figure, stem: Path) -> None:
    """Draw the first prompt of the first seed: a block per method, a column per part."""
    first = rows[(rows["row"] == 0) & (rows["seed"] == figure.run.seeds[0])]
    blocks = [part for _, part in first.groupby(["suite", "column"], sort=False)]
    steps = first["step"].max() + 1
    heights = [2 * steps, steps] * len(blocks)
    inches = ROW_INCHES * sum(heights) + HEAD_INCHES * len(heights) + 1.2
    sizes = [first.loc[first["part"] == part, "dimension"].max() + 1 for part in SHOWN]
    widths = [max(MIN_COLUMNS, size) for size in sizes]
    grid: dict[str, Any] = {"height_ratios": heights, "width_ratios": widths}
    with canvas(len(heights), len(SHOWN), inches, **grid) as (picture, axes):
        for place, part in enumerate(SHOWN):
            part_blocks = [block[block["part"] == part] for block in blocks]
            limit = _limit(part_blocks)
            for index, block in enumerate(part_blocks):
                both = list(axes[2 * index : 2 * index + 2, place])
                image = _block(both, block, limit, named=place == 0)
            axes[-1, place].set_xlabel(f"{part}, dimension" if sizes[place] > 1 else part)
            bar: dict[str, Any] = {"location": "bottom", "extend": "both"}
            bar["aspect"] = 1.5 * widths[place]  # bars of one height
            picture.colorbar(image, ax=list(axes[:, place]), label=UNITS[part], **bar)
        segments = ", segments between dotted lines" if first["segment"].any() else ""
        headline(picture, figure.run.title, _heading(rows) + segments)
        save(picture, stem)


def _heading(rows: pd.DataFrame) -> str:
    """Heading with the prompts shown and the number of prompts in the table."""
    cells = rows.groupby(["suite", "column"])
    prompts = cells[["seed", "row"]].apply(lambda cell: len(cell.drop_duplicates()))
    seeds, tasks = (span(cells[name].nunique()) for name in ("seed", "task"))
    return (
        "for every method, the first prompt of the first task and seed, one of "
        f"{span(prompts)} ({plural(seeds, 'seed')}, {plural(tasks, 'task')})"
    )


def _limit(blocks: Sequence[pd.DataFrame]) -> float:
    """Absolute value at which colours saturate, the same for all methods."""
    values = np.concatenate([b[list(MOMENTS)].to_numpy().ravel() for b in blocks])
    return float(np.quantile(np.abs(values), SATURATION)) or 1.0


def _block(
    axes: Sequence["Axes"], rows: pd.DataFrame, limit: float, named: bool
) -> "AxesImage":
    """Draw before above after, and below them the change, magnified until visible."""
    before, after = (
        rows.pivot(index="step", columns="dimension", values=name).to_numpy()
        for name in MOMENTS
    )
    change = after - before
    largest = np.abs(change).max()
    visible = (m for m in MAGNIFICATIONS if m * largest >= limit / 2)
    factor = next(visible, MAGNIFICATIONS[-1])
    style: dict[str, Any] = {"cmap": COLOURS, "vmin": -limit, "vmax": limit}
    style["aspect"] = "auto"
    image = axes[0].imshow(np.concatenate([before, after]), **style)
    axes[1].imshow(factor * change, **style)
    axes[0].axhline(len(change) - 0.5, color="black", lw=1.5)
    for border in rows.groupby("segment")["step"].min().to_numpy()[1:] - 0.5:
        for axis, place in ((axes[0], 0), (axes[0], len(change)), (axes[1], 0)):
            axis.axhline(place + border, color="black", lw=0.8, ls=":")
    axes[1].set_title(f"change × {factor}", fontsize=9)
    for axis in axes:
        axis.grid(visible=False)
        axis.set_xticks(range(0, change.shape[1], 5) if change.shape[1] > 1 else [])
        axis.set_yticks([])
    if named:
        _label_block(axes, rows.iloc[0], len(change))
    return image


def _label_block(axes: Sequence["Axes"], first: pd.Series, steps: int) -> None:
    """Write the title above a block and the steps beside it."""
    suite = suite_label(first["suite"])
    where = f"{suite}, task {first['task']}, seed {first['seed']}"
    axes[0].set_title(f"{first['label']}: {where}", loc="left")
    names = [f"{moment} step {step}" for moment in MOMENTS for step in range(steps)]
    axes[0].set_yticks(range(2 * steps), names, fontsize=7)
    axes[1].set_yticks(range(steps), [f"step {i}" for i in range(steps)], fontsize=7)
