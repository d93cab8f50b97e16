"""Figures of the collection and pretraining curves."""

from collections.abc import Mapping
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from trajprompt.report.numbers.learning import BEST, MEAN, STEPS, TASKS, WORST, losses
from trajprompt.report.pages.formats import span, suite_label
from trajprompt.report.plots.marks import plural
from trajprompt.report.plots.style import (
    BLUE,
    CYCLE,
    GREY,
    headline,
    legend_below,
    panels,
    save,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLES = (
    "How the agents that collect the data learned",
    "How the backbones learned",
    "How the offline algorithms learned",
    "How the teachers of D4RL suites learned",
)
LOSSES = {"train_loss": "training", "validation_loss": "validation"}
DROPOUT = (
    "the training loss is with dropout, the validation loss without, so it may be lower"
)


def draw_collection(table: pd.DataFrame, stem: str | Path) -> None:
    """Draw a panel per suite: mean over tasks, and range from worst to best task."""
    suites = list(dict.fromkeys(table["suite"]))
    with panels(len(suites)) as (figure, axes):
        for suite, axis in zip(suites, axes, strict=True):
            rows = table[table["suite"] == suite]
            steps = rows[STEPS].to_numpy()
            axis.plot(
                steps, rows[MEAN], "o-", color=BLUE, ms=4, lw=2, label="mean over tasks"
            )
            between = rows[WORST].to_numpy(), rows[BEST].to_numpy()
            axis.fill_between(
                steps, *between, color=BLUE, alpha=0.18, lw=0, label="worst to best task"
            )
            tasks = span(rows[TASKS])
            axis.set_title(f"{suite_label(suite)}, {plural(tasks, 'task')}")
            axis.set_xlabel("environment steps per task")
            axis.set_ylabel("return of collected episodes")
            _thousands(axis)
        notes = ["one collection per suite, training and test tasks"]
        notes += ["band: range of the tasks, no interval"]
        headline(figure, TITLES[0], *notes)
        legend_below(figure, axes)
        save(figure, stem)


def draw_pretraining(table: pd.DataFrame, stem: str | Path) -> None:
    """Draw a panel per suite: losses by step, a colour per backbone, a line per seed."""
    suites = list(dict.fromkeys(table["suite"]))
    backbones = list(dict.fromkeys(table["backbone"]))
    with panels(len(suites)) as (figure, axes):
        for suite, axis in zip(suites, axes, strict=True):
            here = table[table["suite"] == suite]
            for name, colour in zip(backbones, CYCLE, strict=False):
                _losses(axis, here[here["backbone"] == name], colour)
            _log_ticks(axis)
            axis.set_title(suite_label(suite))
            axis.set_xlabel("gradient steps")
            axis.set_ylabel("mean squared action error")
        for name, colour in zip(backbones, CYCLE, strict=False):
            axes[0].plot([], [], color=colour, label=name)
        for dashes, loss in zip(("-", ":"), LOSSES.values(), strict=True):
            axes[0].plot([], [], dashes, color=GREY, label=f"{loss} loss")
        seeds = plural(table["seed"].nunique(), "seed")
        headline(figure, TITLES[1], f"{seeds}, one line each", DROPOUT)
        legend_below(figure, axes)
        save(figure, stem)


def draw_teachers(table: pd.DataFrame, stem: str | Path) -> None:
    """Draw a panel per environment: scores of the snapshots, with those of the levels."""
    environments = list(dict.fromkeys(table["environment"]))
    with panels(len(environments)) as (figure, axes):
        for environment, axis in zip(environments, axes, strict=True):
            title = draw_snapshots(axis, table[table["environment"] == environment])
            axis.set_title(title)
            _thousands(axis)
        notes = (
            "means over a few episodes; expert: the highest lower one of the two scores; "
            "medium: by its sampled score"
        )
        headline(figure, TITLES[3], notes)
        save(figure, stem)


def draw_snapshots(axis: "Axes", rows: pd.DataFrame) -> str:
    """Draw a teacher's scores by steps, with the policies of levels; return a title."""
    axis.plot(rows["steps"], rows["mean_action_score"], color=GREY, label="mean action")
    axis.plot(rows["steps"], rows["score"], "o-", ms=4, color=BLUE, label="sampled")
    for level, colour, marker in (("medium", CYCLE[1], "s"), ("expert", CYCLE[2], "D")):
        at = rows[rows["level"].str.contains(level)]
        for steps, score in zip(at["steps"], at["score"], strict=True):
            label = f"{level}: score {score:.1f} at {steps:,} steps"
            line = axis.plot(steps, score, marker, ms=10, mfc="none", mew=2, label=label)
            line[0].set_color(colour)
    axis.set_xlabel("environment steps")
    axis.set_ylabel("D4RL score")
    axis.legend(fontsize="small")
    return f"{rows['environment'].iloc[0]}: {plural(len(rows), 'snapshot')}"


def draw_offline(table: pd.DataFrame, labels: Mapping[str, str], stem: str | Path) -> None:
    """Draw a panel per suite: mean scores by update, a colour per algorithm, thin seeds.

    ``labels`` of the algorithms. Without curves with scores, the picture says so.
    """
    suites = list(dict.fromkeys(table["suite"])) if len(table) else []
    with panels(max(1, len(suites))) as (figure, axes):
        names = sorted(set(table["algorithm"]) & set(labels)) if suites else []
        for suite, axis in zip(suites, axes, strict=False):
            here = table[table["suite"] == suite]
            for name, colour in zip(names, cycle(CYCLE), strict=False):
                _scores(axis, here[here["algorithm"] == name], labels[name], colour)
            data = here["data"].iloc[0]
            if not np.isnan(data):
                axis.axhline(data, color=GREY, ls=":", label="mean of the data")
            axis.set_title(suite_label(suite))
            axis.set_xlabel("updates")
            axis.set_ylabel("D4RL score")
            _thousands(axis)
        note = "no curve of this run has returns"
        if suites:
            seeds = plural(table["seed"].nunique(), "seed")
            note = f"thick: mean over {seeds}; thin: each seed, a few fixed episodes"
        headline(figure, TITLES[2], note)
        legend_below(figure, axes)
        save(figure, stem)


def _scores(axis: "Axes", rows: pd.DataFrame, label: str, colour: str) -> None:
    for _, seed in rows.groupby("seed"):
        axis.plot(seed["step"], seed["score"], color=colour, lw=0.8, alpha=0.35)
    if not rows.empty:
        axis.plot(rows.groupby("step")["score"].mean(), color=colour, lw=2, label=label)


def _losses(axis: "Axes", rows: pd.DataFrame, colour: str) -> None:
    for dashes, loss in zip(("-", ":"), losses(rows), strict=False):
        for _, seed in rows.dropna(subset=[loss]).groupby("seed"):
            axis.plot(seed["step"], seed[loss], dashes, color=colour, lw=1.2, alpha=0.8)


def _log_ticks(axis: "Axes") -> None:
    """Logarithmic y axis with at most about six labelled ticks."""
    from matplotlib.ticker import LogLocator, NullFormatter, NullLocator, StrMethodFormatter

    axis.set_yscale("log")
    low, high = axis.get_ylim()
    wide = high / low > 30
    axis.yaxis.set_major_locator(LogLocator(subs=(1.0,) if wide else (1.0, 2.0, 5.0)))
    axis.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.yaxis.set_minor_locator(NullLocator())
    axis.yaxis.set_minor_formatter(NullFormatter())


def _thousands(axis: "Axes") -> None:
    """Few ticks on the x axis, in thousands of steps if there are that many."""
    from matplotlib.ticker import FuncFormatter

    axis.locator_params("x", nbins=5)
    form = FuncFormatter(lambda x, _: f"{x / 1000:g}k" if abs(x) >= 1000 else f"{x:g}")
    axis.xaxis.set_major_formatter(form)
