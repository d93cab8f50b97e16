"""Pictures of artifacts: returns during collection, tuning histories, evaluations, curves.

Up to eight tasks have the colours of Okabe and Ito, which colour-blind readers can tell
apart. More tasks have the colours of viridis, ordered by goal or row.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trajprompt.adaptations.layout import open_adaptation
from trajprompt.artifacts.atomic import atomic_path
from trajprompt.artifacts.hdf5_attributes import get_text
from trajprompt.errors import TrajpromptError
from trajprompt.inspection import adaptation, evaluation, relabelled, teacher, trajectories
from trajprompt.report.plots.style import OKABE_ITO
from trajprompt.trajectories.store import open_store

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = (".png", ".svg", ".pdf")
WINDOW_SHARE = 1 / 30  # share of the points in the moving average
MAX_LEGEND = 8  # entries
MAX_NAME = 60  # characters of a name from a file: thousands take seconds to draw
RETURN = "episode return (sum of rewards)"


def draw(path: Path, kind: str, task: int | None, out: Path) -> None:
    """Draw an artifact of this ``kind`` into ``out``, whose suffix sets the format."""
    from matplotlib.figure import Figure

    painters: dict[str, Callable[[Figure, Path, int | None], None]] = {
        "trajectories": _trajectories,
        "adaptation": _adaptation,
        "table": _table,
        "teacher": _teacher,
        "relabelled": relabelled.draw,
    }
    if kind not in painters:
        remedy = "plot its training curve (.csv) instead"
        found, expected = f"no picture of a {kind}", f"one of {', '.join(painters)}"
        raise TrajpromptError(path, found, expected, remedy)
    if out.suffix not in FORMATS:
        found, expected = f"found suffix {out.suffix!r}", f"one of {', '.join(FORMATS)}"
        raise TrajpromptError(out, found, expected, "change the ending of --plot")
    figure = Figure(figsize=(10, 4.2), dpi=120, layout="constrained")
    try:
        painters[kind](figure, path, task)
        with atomic_path(out) as temporary:
            figure.savefig(temporary)
    except (ValueError, ArithmeticError, LookupError) as error:  # e.g. an empty axis
        found = f"cannot be drawn ({error})"
        expected, remedy = "values that can be drawn", "run the command without --plot"
        raise TrajpromptError(path, found, expected, remedy) from error


def _trajectories(figure: "Figure", path: Path, task: int | None) -> None:
    with open_store(path) as file:
        tasks = trajectories.read_returns(file, path, task)
        suite = _short(get_text(file, "suite"))
        unit = _short(get_text(file[f"task_{tasks[0].task}"], "goal_unit"))
    over, spread = figure.subplots(1, 2, width_ratios=(2, 1), sharey=True)
    figure.suptitle(f"{suite}: {len(tasks)} tasks in the order of collection")
    colours = _colours(len(tasks))
    order = np.arange(len(tasks))
    if len(tasks) > MAX_LEGEND:  # sorted for the colour bar of goals
        order = np.argsort([one.goal[0] for one in tasks], kind="stable")
    for colour, one in zip(colours, (tasks[i] for i in order), strict=True):
        name = f"task {one.task}, goal {one.goal[0]:.3g}"
        over.plot(*_smooth(one), color=colour, lw=1.2, label=name)
        if len(tasks) <= MAX_LEGEND:
            over.plot(one.behaviour_step, one.returns, ".", ms=2, alpha=0.4, color=colour)
    _label(over, "environment steps of the task", RETURN, "moving average over episodes")
    _legend(figure, over, [tasks[i].goal[0] for i in order], f"goal [{unit}]")
    returns = np.concatenate([one.returns for one in tasks])
    spread.hist(returns, bins=40, orientation="horizontal", color=OKABE_ITO[0])
    _label(spread, "episodes", "", f"all {len(returns):,} episodes")


def _smooth(one: trajectories.TaskReturns) -> tuple[np.ndarray, np.ndarray]:
    """Steps and moving average of returns; episodes of one step count as one point."""
    steps, index, counts = np.unique(
        one.behaviour_step, return_inverse=True, return_counts=True
    )
    returns = np.bincount(index, weights=one.returns) / counts
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
    _label(axes[0], "iteration", "objective (lower is better)", "objective of the method")
    _label(axes[1], "iteration", "distance from the initial prompt", "displacement")
    if len(rows) <= MAX_LEGEND:
        handles, names = axes[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside right upper", fontsize="small")


def _teacher(figure: "Figure", path: Path, task: int | None) -> None:
    axis = figure.subplots()
    title = teacher.draw(axis, path)
    _label(axis, "control steps of learning", "D4RL score of the mean return", title)


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
        mask = final & (columns["checkpoint"] == checkpoint)
        returns, place = (
            columns["return"][mask],
            np.searchsorted(tasks, columns["task"][mask]),
        )
        # A deterministic, low-discrepancy jitter separates equal returns.
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
    _label(strip, "task", RETURN, "all episodes; bars are means")
    _label(spread, "episodes", "", "all tasks")
    strip.legend(fontsize="small")


def _curves(figure: "Figure", columns: evaluation.Table, path: Path) -> None:
    """Any other table: its numeric columns against the first of them."""
    numeric = [name for name, values in columns.items() if values.dtype.kind == "f"]
    if len(numeric) < 2:
        found, remedy = f"found {len(numeric)} numeric columns", "plot another table"
        raise TrajpromptError(path, found, "at least two numeric columns", remedy)
    figure.suptitle(path.name)
    shown = numeric[1:7]
    axes = np.atleast_1d(figure.subplots(1, len(shown)))
    for axis, name in zip(axes, shown, strict=True):
        axis.plot(columns[numeric[0]], columns[name], color=OKABE_ITO[0])
        _label(axis, numeric[0], name, "")


def _colours(count: int) -> Sequence[Any]:
    if count <= MAX_LEGEND:
        return OKABE_ITO[:count]
    from matplotlib import colormaps

    return colormaps["viridis"](np.linspace(0, 0.95, count)).tolist()


def _legend(figure: "Figure", axis: "Axes", goals: list[float], label: str) -> None:
    """Add names for few tasks, a colour bar of goals for many."""
    if len(goals) <= MAX_LEGEND:
        axis.legend(fontsize="small")
        return
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, Normalize

    scale = ScalarMappable(
        Normalize(goals[0], goals[-1]), ListedColormap(_colours(len(goals)))
    )
    figure.colorbar(scale, ax=axis, label=label)


def _short(name: str | None) -> str:
    return (name or "")[:MAX_NAME]


def _label(axis: "Axes", x: str, y: str, title: str) -> None:
    axis.set_xlabel(_short(x))
    axis.set_ylabel(_short(y))
    axis.set_title(title, fontsize="medium")
    axis.grid(alpha=0.25)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
