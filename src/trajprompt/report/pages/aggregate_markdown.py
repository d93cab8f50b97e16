"""The aggregate as Markdown."""

from collections.abc import Sequence

import pandas as pd

from trajprompt.report.numbers.aggregate import Block, ends
from trajprompt.report.pages.markdown import (
    EMPTY,
    about_intervals,
    grid,
    number,
    suite_label,
)
from trajprompt.report.read.run import Run


def aggregate_markdown(blocks: Sequence[Block], run: Run) -> str:
    """Block by block; between them, which methods the first leaves out."""
    first = blocks[0]
    parts = [_notes(run), _ends(blocks, run)]
    parts += [f"## {_suites(first)}\n", _block(first), _left_out(first, run)]
    for block in blocks[1:]:
        parts += [f"## {_suites(block)} alone\n", _block(block)]
    return "\n".join(part for part in parts if part)


def _notes(run: Run) -> str:
    bootstrap = "; brackets hold 95 % bootstrap intervals, seeds redrawn suite by suite."
    return (
        f"Run `{run.name}` with {len(run.seeds)} seed(s). "
        "Returns are normalised task by task: 0 is the mean of uniformly random actions, 1 "
        "that of the data's expert episodes. The interquartile mean is over all tasks and "
        "seeds, suites weighed equally. The chance is that a seed of this method earns "
        f"more on a task than one of the other{about_intervals(run, bootstrap)}\n"
    )


def _ends(blocks: Sequence[Block], run: Run) -> str:
    """What 0 and 1 stand for, mean over the test tasks of every suite."""
    rows = []
    for suite in dict.fromkeys(s for block in blocks for s in block.found.suites):
        played, teacher = run.random_play(suite), run.teacher(suite)
        means = [number(returns.mean()) for returns in ends(run, suite)]
        counts = [str(played.episodes), str(teacher.episodes)]
        rows.append([suite_label(suite), *means, *counts])
    header = ["return", "random policy (0)", "expert data (1)"]
    return grid([*header, "random: episodes per task", "expert: episodes per task"], rows)


def _block(block: Block) -> str:
    """Methods by interquartile mean, with their chance to beat the first of the run."""
    first, beats = block.means.iloc[0], block.beats
    chances = beats[beats["second"] == first["column"]].set_index("first")
    rows = []
    ordered = block.means.sort_values("value", ascending=False, kind="stable")
    for _, row in ordered.iterrows():
        name = row["column"]
        chance = _estimate(chances.loc[name]) if name in chances.index else EMPTY
        rows.append([row["label"], _estimate(row), chance])
    header = ["method", "interquartile mean", f"chance to beat {first['label']}"]
    notes = (
        f"{len(rows)} methods; {block.found.left_out} task(s) are left out, whose experts "
        "earn no more than random actions.\n"
    )
    return f"{notes}\n{grid(header, rows)}"


def _suites(block: Block) -> str:
    return ", ".join(suite_label(suite) for suite in block.found.suites)


def _left_out(block: Block, run: Run) -> str:
    """The methods that were played in fewer suites, and where."""
    missing = [entry for entry in run.entries if entry not in block.found.entries]
    if not missing:
        return ""
    rows = []
    for entry in missing:
        suites = [suite_label(s) for s in run.suites if entry.covers(s)]
        rows.append([entry.label, ", ".join(suites)])
    return (
        f"{len(missing)} method(s) are not compared here, since this run has them in fewer "
        f"suites or in others:\n\n{grid(['left out', 'played in'], rows, 2)}"
    )


def _estimate(row: pd.Series) -> str:
    if pd.isna(row["low"]):
        return number(row["value"], 2)
    return f"{number(row['value'], 2)} [{number(row['low'], 2)}, {number(row['high'], 2)}]"
