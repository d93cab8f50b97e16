"""How the data's agents and the backbones learned: collection and pretraining curves."""

from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

import pandas as pd

from trajprompt.errors import TrajpromptError
from trajprompt.report.markdown import SUITE_LABELS
from trajprompt.report.reading import read_table
from trajprompt.report.style import BLUE, CYCLE, legend_below, panels, save
from trajprompt.report.teacher import store_suite
from trajprompt.trajectories.layout import read_learning_curve
from trajprompt.trajectories.store import open_store

PRETRAIN = "python -m trajprompt.pretrain"
STEPS, MEAN = "environment_steps_per_task", "mean_return"
WORST, BEST = "worst_task_return", "best_task_return"


def collection_table(stores: Sequence[str | Path]) -> pd.DataFrame:
    """The learning curves that collection kept, one row per suite and point."""
    tables = []
    for path in stores:
        with open_store(path) as file:
            columns, values = read_learning_curve(file, path)
        missing = {STEPS, MEAN, WORST, BEST} - set(columns)
        if missing:
            where = f"{path}:learning_curve"
            raise TrajpromptError(where, f"columns {columns}", f"also {sorted(missing)}")
        curve = pd.DataFrame(values, columns=columns)
        tables.append(curve.assign(suite=store_suite(path)))
    return pd.concat(tables, ignore_index=True)


def draw_collection(table: pd.DataFrame, stem: str | Path) -> None:
    """A panel per suite: the mean over tasks, in the span from worst to best task."""
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
            axis.set_title(SUITE_LABELS.get(suite, suite))
            axis.set_xlabel("environment steps per task")
            axis.set_ylabel("return of collected episodes")
        legend_below(figure, axes)
        save(figure, stem)


def pretraining_table(curves: Sequence[str | Path]) -> pd.DataFrame:
    """All pretraining curves; paths end in ``<suite>/<backbone>/seed<n>.csv``."""
    tables = []
    for path in map(Path, curves):
        table = read_table(path, PRETRAIN, ["step"], ["step"])
        if not _losses(table):
            found = f"columns {list(table.columns)[:20]}"
            raise TrajpromptError(path, found, "step and …loss")
        read_table(path, PRETRAIN, ["step"], perhaps=_losses(table))
        suite, backbone, seed = (
            path.parts[-3],
            path.parts[-2],
            path.stem.removeprefix("seed"),
        )
        tables.append(table.assign(suite=suite, backbone=backbone, seed=seed))
    return pd.concat(tables, ignore_index=True)


def draw_pretraining(table: pd.DataFrame, stem: str | Path) -> None:
    """A panel per suite: loss against steps, a colour per backbone, a line per seed."""
    suites = list(dict.fromkeys(table["suite"]))
    backbones = list(dict.fromkeys(table["backbone"]))
    with panels(len(suites)) as (figure, axes):
        for suite, axis in zip(suites, axes, strict=True):
            for backbone, colour in zip(backbones, cycle(CYCLE), strict=False):
                rows = table[(table["suite"] == suite) & (table["backbone"] == backbone)]
                for style, loss in zip(("-", ":"), _losses(table), strict=False):
                    label = f"{backbone}, {loss.replace('_', ' ')}"
                    for _, seed in rows.dropna(subset=[loss]).groupby("seed"):
                        x, y = seed["step"], seed[loss]
                        axis.plot(x, y, style, color=colour, lw=1.4, label=label)
            axis.set_yscale("log")
            for ticks in (axis.yaxis.set_major_formatter, axis.yaxis.set_minor_formatter):
                ticks("{x:g}")
            axis.set_title(SUITE_LABELS.get(suite, suite))
            axis.set_xlabel("gradient steps")
            axis.set_ylabel("mean squared action error")
        legend_below(figure, axes)
        save(figure, stem)


def _losses(table: pd.DataFrame) -> list[str]:
    """The loss columns of a pretraining curve, training before validation."""
    return sorted(name for name in table.columns if name.endswith("loss"))
