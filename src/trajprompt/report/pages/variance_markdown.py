"""Markdown of the variance shares, and where more compute would help."""

import math

import pandas as pd

from trajprompt.report.numbers.variance import ALL, SOURCES
from trajprompt.report.pages.formats import EMPTY, grid, number, suite_label
from trajprompt.report.read.run import Run

# Episodes add a third of the seeds' standard deviation: (1/3)^2 of the seeds' variance.
EPISODES_MATTER = 0.1
SOURCE_LABELS = {
    "seeds": "seeds",
    "seeds_tasks": "seeds × tasks",
    "tasks": "tasks",
    "episodes": "episodes",
}
NOTES = """Run `{run}`. Each value is the difference between a method and the untuned prompt
of its condition in one episode, paired by task, seed and reset, at the last iteration.
Shares are components of its variance (random effects, method of moments; components below 0
are set to 0). *Seeds*: backbones. *Seeds × tasks*: prompts, drawn and tuned per seed and
task. *Tasks*: the effect differs by task; this is part of the result, not of the error of a
mean over these tasks. *Episodes*: starts. *Of a seed's mean*: the part of episodes in the
variance of a seed's mean, with the run's number of episodes. From few seeds, all shares
have large errors. A dash: one seed, or one episode per task, cannot tell.
"""


def variance_markdown(table: pd.DataFrame, run: Run) -> str:
    """Markdown of a `variance_table`."""
    title = "# Where the variance comes from\n"
    if table.empty:
        return f"{title}\nNo method of this run has an untuned prompt to compare with.\n"
    means = table[table["column"] == ALL]
    single = table[table["column"] != ALL]
    sentences = "\n".join(f"- {help_text(row)}" for _, row in means.iterrows())
    parts = [
        title,
        NOTES.format(run=run.name),
        "## Where more compute would help\n",
        sentences + "\n",
        _grid(means, ["suite", "contrasts"]),
        "## By contrast\n",
        _grid(single, ["suite", "contrast"]),
    ]
    return "\n".join(parts)


def help_text(row: pd.Series) -> str:
    """One sentence: whether more seeds or more episodes reduce the error on a suite."""
    share, count = row["episodes_of_seed_mean"], int(row["episodes"])
    suite = suite_label(str(row["suite"]))
    if math.isnan(share):
        sizes = f"{row['seeds']} seed(s) and {count} episode(s) per task"
        return f"{suite}: this run cannot tell, with {sizes}."
    part = (
        f"its {count} episode(s) per task make {number(100 * share, 0)} % of the variance"
    )
    part += " of a seed's mean"
    if share < EPISODES_MATTER:
        return f"{suite}: only more seeds help; {part}."
    saved = 100 * (1 - math.sqrt(1 - share / 2))
    return (
        f"{suite}: more episodes help; {part}, and twice as many would reduce the standard "
        f"error by {number(saved, 0)} % (twice as many seeds: by 29 %)."
    )


def _grid(table: pd.DataFrame, names: list[str]) -> str:
    header = [*names, *SOURCE_LABELS.values(), "of a seed's mean", "standard error"]
    header += ["seeds", "tasks", "episodes"]
    rows = []
    for _, row in table.iterrows():
        cells = [suite_label(str(row["suite"])), str(row["label"])]
        cells += [_percent(row[f"share_{name}"]) for name in SOURCES]
        cells += [_percent(row["episodes_of_seed_mean"]), number(row["standard_error"], 2)]
        rows.append([*cells, *(str(row[name]) for name in ("seeds", "tasks", "episodes"))])
    return grid(header, rows, 2)


def _percent(share: float) -> str:
    return EMPTY if math.isnan(share) else f"{number(100 * share, 0)} %"
