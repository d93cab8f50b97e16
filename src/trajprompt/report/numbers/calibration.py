"""The choice among the settings of one method on one suite (docs/calibration.md).

Gains are differences in return between tuned and initial prompts, paired by task and reset.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from trajprompt.report.read.baselines import Teacher

# Least mean absolute change of predicted actions, which are within [-1, 1], of a setting
# that tunes: a twentieth of a percent of the range.
LEAST_CHANGE = 0.001

Setting = Mapping[str, Any]  # option -> value
HEADROOM = ("suite", "condition", "first", "untuned", "expert", "gap_closed", "headroom")


def judge(
    rows: pd.DataFrame,
    settings: Sequence[Setting],
    paper: Setting,
    distance: Callable[[Setting], float],
) -> pd.DataFrame:
    """Table of the settings of one cell, with the columns ``best`` and ``chosen``.

    ``rows`` are of all backbones, one per setting, seed, task and prompt. ``distance`` is
    a setting's distance from ``paper``. Scores are gains minus their standard error, which
    is at least the typical one of the method. Candidates are the settings whose score is at
    most one typical standard error of the paired difference below the best one. The paper's
    setting is chosen if it is a candidate, else the nearest candidate.
    """
    gains = by_backbone(rows, len(settings))  # (S, B)
    errors = standard_errors(gains)
    typical = typical_error(errors, gains.shape[1])
    table = pd.DataFrame(
        {
            "gain": gains.mean(axis=1),
            "se": errors,
            "typical_se": typical,
            "action_change": _means(rows, "action_change", len(settings)),
        }
    )
    counts = np.isfinite(table["gain"]) & (table["action_change"] > LEAST_CHANGE)
    table["score"] = table["gain"] - np.fmax(errors, typical)
    table["tunes"] = counts
    is_paper = np.array([dict(setting) == dict(paper) for setting in settings])
    table["paper"] = is_paper
    table["best"] = table["candidate"] = table["chosen"] = False
    if not counts.any():  # nothing to choose: no setting moves the actions
        table.loc[is_paper, "chosen"] = True
        return table
    best = int(table["score"].where(counts).idxmax())
    margin = difference_error(gains, best, counts.to_numpy())
    candidates = counts & (table["score"] >= table["score"][best] - margin)
    table.loc[best, "best"] = True
    table["candidate"] = candidates
    table.loc[_nearest(table, settings, distance), "chosen"] = True
    return table


def _nearest(
    table: pd.DataFrame, settings: Sequence[Setting], distance: Callable[[Setting], float]
) -> int:
    """Candidate nearest to the paper's setting, whose distance is 0; then the best."""
    found = [int(number) for number in table.index[table["candidate"]]]
    distances = {number: round(distance(settings[number]), 9) for number in found}
    return min(found, key=lambda number: (distances[number], -table["score"][number]))


def by_backbone(rows: pd.DataFrame, settings: int) -> np.ndarray:
    """Mean gains (S, B) over the tasks of every backbone; NaN if a tuning failed.

    With a single backbone, its tasks take the place of the backbones.
    """
    block = ["seed"] if rows["seed"].nunique() > 1 else ["seed", "task"]
    means = rows.groupby(["setting", *block])["gain"].agg(lambda x: x.mean(skipna=False))
    table = means.unstack(block).reindex(range(settings))
    return table.to_numpy(float)


def standard_errors(gains: np.ndarray) -> np.ndarray:
    """Standard errors (S,) of the means of gains (S, B); 0 for a single backbone."""
    count = gains.shape[1]
    if count < 2:
        return np.zeros(len(gains))
    return gains.std(axis=1, ddof=1) / np.sqrt(count)


def typical_error(errors: np.ndarray, backbones: int) -> float:
    """Median of standard errors from few backbones, without the median's bias.

    Unlike their mean, it does not grow with the error of one unstable setting. A standard
    deviation of n values has a median below its true value, by the factor that is known
    for normal values (chi-squared distribution with n - 1 degrees of freedom).
    """
    known = errors[np.isfinite(errors)]
    if len(known) == 0 or backbones < 2:
        return 0.0
    freedom = backbones - 1
    return float(np.median(known) / np.sqrt(stats.chi2.median(freedom) / freedom))


def difference_error(gains: np.ndarray, best: int, counts: np.ndarray) -> float:
    """Typical standard error of a setting's paired difference to the ``best`` one.

    Settings that do not count are left out.
    """
    others = [s for s in np.flatnonzero(counts) if s != best]
    differences = gains[best] - gains[others]  # (S', B)
    return typical_error(standard_errors(differences), gains.shape[1])


def _means(rows: pd.DataFrame, column: str, settings: int) -> np.ndarray:
    """Means (S,) over all rows of a setting; NaN if one of them is."""
    means = rows.groupby("setting")[column].agg(lambda x: x.mean(skipna=False))
    return means.reindex(range(settings)).to_numpy(float)


def headroom(
    sweeps: Mapping[tuple[str, str], pd.DataFrame],
    teacher: Callable[[str, Sequence[int]], Teacher],
) -> pd.DataFrame:
    """What untuned prompts leave to gain on the tuned tasks, by suite and condition.

    ``sweeps`` are the rows of (suite, method); ``teacher`` returns the data's first and
    expert returns on tasks of a suite. Columns as in headroom.py, over tasks and backbones.
    """
    rows = pd.concat(sweeps.values(), ignore_index=True)
    found = []
    for (suite, condition), group in rows.groupby(["suite", "condition"]):
        prompts = group.drop_duplicates(["seed", "task", "initial"])
        untuned = float(prompts.groupby(["seed", "task"])["initial"].mean().mean())
        data = teacher(str(suite), sorted({int(task) for task in group["task"]}))
        first, expert = float(data.first.mean()), float(data.expert.mean())
        closed = data.gap_closed(untuned)
        values = (suite, condition, first, untuned, expert, closed, expert - untuned)
        sizes = {"backbones": group["seed"].nunique(), "tasks": group["task"].nunique()}
        found.append(dict(zip(HEADROOM, values, strict=True)) | sizes)
    return pd.DataFrame(found)
