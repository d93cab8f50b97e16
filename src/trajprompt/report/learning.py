"""How the data's agents and the backbones learned: collection and pretraining curves."""

import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from trajprompt.errors import TrajpromptError
from trajprompt.report.markdown import SUITE_LABELS
from trajprompt.report.reading import read_table
from trajprompt.report.style import BLUE, CYCLE, legend_below, panels, save
from trajprompt.report.teacher import store_suite

STEPS, MEAN = "environment_steps_per_task", "mean_return"
WORST, BEST = "worst_task_return", "best_task_return"


def collection_table(stores: Sequence[str | Path]) -> pd.DataFrame:
    """The learning curves that collection kept, one row per suite and point."""
    import h5py

    tables = []
    for path in stores:
        suite = store_suite(path)
        with h5py.File(path, "r") as file:
            if "learning_curve" not in file:
                raise TrajpromptError(
                    path, "no learning_curve", "a store made by `collect`"
                )
            curve = file["learning_curve"]
            columns = json.loads(curve.attrs["columns"])
            tables.append(pd.DataFrame(curve[...], columns=columns).assign(suite=suite))
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
        table = read_table(path, "python -m trajprompt.pretrain", ["step"], ["step"])
        if not _losses(table):
            raise TrajpromptError(path, f"columns {list(table.columns)}", "step and …loss")
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
            for backbone, colour in zip(backbones, CYCLE, strict=False):
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
