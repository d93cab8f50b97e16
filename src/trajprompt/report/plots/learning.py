"""Figures of the collection and pretraining curves."""

from itertools import cycle
from pathlib import Path

import pandas as pd

from trajprompt.report.numbers.learning import BEST, MEAN, STEPS, WORST, losses
from trajprompt.report.pages.markdown import suite_label
from trajprompt.report.plots.style import BLUE, CYCLE, legend_below, panels, save


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
            span = rows[WORST].to_numpy(), rows[BEST].to_numpy()
            axis.fill_between(
                steps, *span, color=BLUE, alpha=0.18, lw=0, label="worst to best task"
            )
            axis.set_title(suite_label(suite))
            axis.set_xlabel("environment steps per task")
            axis.set_ylabel("return of collected episodes")
        legend_below(figure, axes)
        save(figure, stem)


def draw_pretraining(table: pd.DataFrame, stem: str | Path) -> None:
    """Draw a panel per suite: losses by step, a colour per backbone, a line per seed."""
    suites = list(dict.fromkeys(table["suite"]))
    backbones = list(dict.fromkeys(table["backbone"]))
    with panels(len(suites)) as (figure, axes):
        for suite, axis in zip(suites, axes, strict=True):
            for backbone, colour in zip(backbones, cycle(CYCLE), strict=False):
                rows = table[(table["suite"] == suite) & (table["backbone"] == backbone)]
                for style, loss in zip(("-", ":"), losses(table), strict=False):
                    label = f"{backbone}, {loss.replace('_', ' ')}"
                    for _, seed in rows.dropna(subset=[loss]).groupby("seed"):
                        x, y = seed["step"], seed[loss]
                        axis.plot(x, y, style, color=colour, lw=1.4, label=label)
            axis.set_yscale("log")
            for ticks in (axis.yaxis.set_major_formatter, axis.yaxis.set_minor_formatter):
                ticks("{x:g}")
            axis.set_title(suite_label(suite))
            axis.set_xlabel("gradient steps")
            axis.set_ylabel("mean squared action error")
        legend_below(figure, axes)
        save(figure, stem)
