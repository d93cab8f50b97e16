"""Pictures of artifacts: returns over collection, tuning histories, evaluations, curves.

Colours are those of Okabe and Ito (distinct to colour-blind readers) for up to eight
tasks, and the perceptually even viridis, by goal or place, for more.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trajprompt.adaptations.layout import open_adaptation
from trajprompt.artifacts.atomic import atomic_path
from trajprompt.artifacts.hdf5_attributes import get_text
from trajprompt.errors import TrajpromptError
from trajprompt.inspection import adaptation, evaluation, trajectories
from trajprompt.report.plots.style import OKABE_ITO
from trajprompt.trajectories.store import open_store

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = (".png", ".svg", ".pdf")
WINDOW_SHARE = 1 / 30  # of the points are averaged: noise goes, learning stays
LARGEST_LEGEND = 8
LONGEST_NAME = 60  # characters that a file calls something: thousands take seconds
RETURN = "episode return (sum of rewards)"


def draw(path: Path, kind: str, task: int | None, out: Path) -> None:
    """Write the picture of an artifact; the suffix of ``out`` gives the format."""
    from matplotlib.figure import Figure

    painters: dict[str, Callable[[Figure, Path, int | None], None]] = {
        "trajectories": _trajectories,
        "adaptation": _adaptation,
        "table": _table,
    }
    if kind not in painters:
        remedy = "plot the training curve (.csv) beside it"
        raise TrajpromptError(path, f"no picture of a {kind}", ", ".join(painters), remedy)
    if out.suffix not in FORMATS:
        raise TrajpromptError(out, f"suffix {out.suffix!r}", f"one of {', '.join(FORMATS)}")
    figure = Figure(figsize=(10, 4.2), dpi=120, layout="constrained")
    try:
        painters[kind](figure, path, task)
        with atomic_path(out) as temporary:
            figure.savefig(temporary)
    except (ValueError, ArithmeticError, LookupError) as error:  # such as an empty axis
        found = f"cannot be drawn ({error})"
        raise TrajpromptError(path, found, "numbers within reason") from error


def _trajectories(figure: "Figure", path: Path, task: int | None) -> None:
    with open_store(path) as file:
        tasks = trajectories.read_returns(file, path, task)
        suite = _short(get_text(file, "suite"))
        unit = _short(get_text(file[f"task_{tasks[0].task}"], "goal_unit"))
    over, spread = figure.subplots(1, 2, width_ratios=(2, 1), sharey=True)
    figure.suptitle(f"{suite}: {len(tasks)} tasks in the order of collection")
    colours = _colours(len(tasks))
    order = np.arange(len(tasks))
    if len(tasks) > LARGEST_LEGEND:  # the colour bar runs along the goals
        order = np.argsort([one.goal[0] for one in tasks], kind="stable")
    for colour, one in zip(colours, (tasks[i] for i in order), strict=True):
        name = f"task {one.task}, goal {one.goal[0]:.3g}"
        over.plot(*_smooth(one), color=colour, lw=1.2, label=name)
        if len(tasks) <= LARGEST_LEGEND:
            over.plot(one.behaviour_step, one.returns, ".", ms=2, alpha=0.4, color=colour)
    _label(over, "environment steps of the task", RETURN, "moving average over episodes")
    _legend(figure, over, [tasks[i].goal[0] for i in order], f"goal [{unit}]")
    every = np.concatenate([one.returns for one in tasks])
    spread.hist(every, bins=40, orientation="horizontal", color=OKABE_ITO[0])
    _label(spread, "episodes", "", f"all {len(every):,} episodes")


def _smooth(one: trajectories.TaskReturns) -> tuple[np.ndarray, np.ndarray]:
    """Steps and moving mean return; episodes collected at one step count as one point."""
    steps, place, counts = np.unique(
        one.behaviour_step, return_inverse=True, return_counts=True
    )
    returns = np.bincount(place, weights=one.returns) / counts
    window = np.ones(max(1, round(WINDOW_SHARE * len(steps))))
    window /= window.sum()
    return np.convolve(steps, window, "valid"), np.convolve(returns, window, "valid")


def _adaptation(figure: "Figure", path: Path, task: int | None) -> None:
    with open_adaptation(path) as file:
        rows = adaptation.read_history(file, path, task)
        keys = ("suite", "condition", "method")
        names = (_short(get_text(file, key)) for key in keys)
        title = " · ".join(filter(None, names))
    axes = figure.subplots(1, 2)
    figure.suptitle(title or path.name)
    for colour, row in zip(_colours(len(rows)), rows, strict=True):
        for axis, name in zip(axes, ("objective", "displacement"), strict=True):
            name_of_row = f"task {row.task}, prompt {row.prompt}"
            axis.plot(
                row.columns["iteration"], row.columns[name], color=colour, label=name_of_row
            )
    _label(axes[0], "iteration", "objective (lower is better)", "what the method minimised")
    _label(axes[1], "iteration", "distance from the start", "how far the prompt moved")
    if len(rows) <= LARGEST_LEGEND:
        handles, names = axes[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside right upper", fontsize="small")


def _table(figure: "Figure", path: Path, task: int | None) -> None:
    columns = evaluation.select_task(evaluation.read_table(path), path, task)
    if evaluation.is_evaluation(columns, path):
        _evaluation(figure, columns)
    else:
        _curves(figure, columns, path)


def _evaluation(figure: "Figure", columns: evaluation.Table) -> None:
    strip, spread = figure.subplots(1, 2, width_ratios=(2, 1), sharey=True)
    first = [columns[name][0] for name in ("suite", "condition", "method")]
    figure.suptitle(" · ".join(_short(str(value)) for value in first))
    final = columns["checkpoint"] != "curve"
    tasks = np.unique(columns["task"][final])
    bins = np.histogram_bin_edges(columns["return"][final], bins=30)
    checkpoints = sorted(set(columns["checkpoint"][final].tolist()), reverse=True)
    for i, checkpoint in enumerate(checkpoints):
        own = final & (columns["checkpoint"] == checkpoint)
        returns, place = (
            columns["return"][own],
            np.searchsorted(tasks, columns["task"][own]),
        )
        # A low-discrepancy jitter separates equal returns and is the same at every call.
        jitter = (np.arange(len(returns)) * 0.618 % 1 - 0.5) * 0.18
        at = place + 0.25 * (i - (len(checkpoints) - 1) / 2)
        colour, name = (
            OKABE_ITO[i % len(OKABE_ITO)],
            f"{checkpoint} ({len(returns)} episodes)",
        )
        strip.plot(at + jitter, returns, ".", ms=4, alpha=0.5, color=colour, label=name)
        means = [returns[place == j].mean() for j in np.unique(place)]
        strip.plot(np.unique(at), means, "_", ms=16, mew=2.5, color=colour)
        style: dict[str, Any] = {"histtype": "step", "lw": 1.6, "color": colour}
        spread.hist(returns, bins=bins, orientation="horizontal", **style)
    strip.set_xticks(range(len(tasks)), [f"{task:.0f}" for task in tasks])
    _label(strip, "task", RETURN, "every episode; bars are means")
    _label(spread, "episodes", "", "all tasks")
    strip.legend(fontsize="small")


def _curves(figure: "Figure", columns: evaluation.Table, path: Path) -> None:
    """Any other table: its numbers over its first column."""
    numbers = [name for name, values in columns.items() if values.dtype.kind == "f"]
    if len(numbers) < 2:
        raise TrajpromptError(path, f"{len(numbers)} columns of numbers", "at least two")
    figure.suptitle(path.name)
    shown = numbers[1:7]
    axes = np.atleast_1d(figure.subplots(1, len(shown)))
    for axis, name in zip(axes, shown, strict=True):
        axis.plot(columns[numbers[0]], columns[name], color=OKABE_ITO[0])
        _label(axis, numbers[0], name, "")


def _colours(count: int) -> Sequence[Any]:
    if count <= LARGEST_LEGEND:
        return OKABE_ITO[:count]
    from matplotlib import colormaps

    return colormaps["viridis"](np.linspace(0, 0.95, count)).tolist()


def _legend(figure: "Figure", axis: "Axes", goals: list[float], label: str) -> None:
    """Names for few tasks, a colour bar of goals for many."""
    if len(goals) <= LARGEST_LEGEND:
        axis.legend(fontsize="small")
        return
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, Normalize

    scale = ScalarMappable(
        Normalize(goals[0], goals[-1]), ListedColormap(_colours(len(goals)))
    )
    figure.colorbar(scale, ax=axis, label=label)


def _short(name: str | None) -> str:
    return (name or "")[:LONGEST_NAME]


def _label(axis: "Axes", x: str, y: str, title: str) -> None:
    axis.set_xlabel(_short(x))
    axis.set_ylabel(_short(y))
    axis.set_title(title, fontsize="medium")
    axis.grid(alpha=0.25)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
