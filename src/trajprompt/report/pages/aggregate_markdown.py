"""Markdown of the comparison of all methods."""

from collections.abc import Sequence

import pandas as pd

from trajprompt.report.numbers.aggregate import Block, reference_returns
from trajprompt.report.pages.formats import EMPTY, ends, grid, number, suite_label
from trajprompt.report.pages.notes import interval_note
from trajprompt.report.read.run import Run


def aggregate_markdown(blocks: Sequence[Block], run: Run) -> str:
    """Markdown of all blocks, and of the methods that the first block leaves out."""
    first = blocks[0]
    parts = [_notes(run), _reference_table(blocks, run)]
    parts += [f"## {_suites(first)}\n", _block(first), _left_out(first, run)]
    for block in blocks[1:]:
        parts += [f"## {_suites(block)} alone\n", _block(block)]
    return "\n".join(part for part in parts if part)


def _expert(blocks: Sequence[Block], run: Run) -> str:
    """What is normalised to 1."""
    suites = {suite for block in blocks for suite in block.found.suites}
    return ends(any(run.teacher(suite).data is not None for suite in suites))[1]


def _notes(run: Run) -> str:
    brackets = (
        "; brackets are 95 % bootstrap intervals, with seeds resampled per suite. They are "
        "too narrow for few seeds: of a mean they cover 75 % with three, 83 % with five."
    )
    return (
        f"Run `{run.name}` with {len(run.seeds)} seed(s). "
        "Returns are normalised per task: 0 is the mean return of uniformly random "
        "actions, 1 the mean return of the data's expert episodes, on D4RL suites D4RL's "
        "100. The interquartile mean is over all tasks and seeds, with equal weight per "
        "suite. The probability is that a seed of this method has a higher return on a task"
        " than a seed of the other"
        f"{interval_note(run, brackets)}\n"
    )


def _reference_table(blocks: Sequence[Block], run: Run) -> str:
    """Table of the returns that are normalised to 0 and 1, means over test tasks."""
    rows = []
    for suite in dict.fromkeys(s for block in blocks for s in block.found.suites):
        random, teacher = run.random_play(suite), run.teacher(suite)
        means = [number(returns.mean()) for returns in reference_returns(run, suite)]
        # On D4RL suites the expert's return is D4RL's, not one of the data.
        counts = [str(random.episodes)]
        counts += [str(teacher.episodes) if teacher.data is None else EMPTY]
        rows.append([suite_label(suite), *means, *counts])
    header = ["return", "random policy (0)", f"{_expert(blocks, run)} (1)"]
    return grid([*header, "random: episodes per task", "expert: episodes per task"], rows)


def _block(block: Block) -> str:
    """Methods by interquartile mean, with their probability to beat the run's first."""
    first, beats = block.means.iloc[0], block.beats
    probabilities = beats[beats["second"] == first["column"]].set_index("first")
    rows = []
    ordered = block.means.sort_values("value", ascending=False, kind="stable")
    for _, row in ordered.iterrows():
        name = row["column"]
        known = name in probabilities.index
        probability = _estimate(probabilities.loc[name]) if known else EMPTY
        rows.append([row["label"], _estimate(row), probability])
    header = ["method", "interquartile mean", f"probability to beat {first['label']}"]
    notes = (
        f"{len(rows)} methods; {block.found.left_out} task(s) are left out because their "
        "expert episodes do not beat random actions.\n"
    )
    return f"{notes}\n{grid(header, rows)}"


def _suites(block: Block) -> str:
    return ", ".join(suite_label(suite) for suite in block.found.suites)


def _left_out(block: Block, run: Run) -> str:
    """Table of the methods that the block lacks, with the suites of each."""
    missing = [entry for entry in run.entries if entry not in block.found.entries]
    if not missing:
        return ""
    rows = []
    for entry in missing:
        suites = [suite_label(s) for s in run.suites if entry.covers(s)]
        rows.append([entry.label, ", ".join(suites)])
    return (
        f"{len(missing)} method(s) are not compared here because this run evaluates them "
        f"in fewer or other suites:\n\n{grid(['left out', 'evaluated in'], rows, 2)}"
    )


def _estimate(row: pd.Series) -> str:
    if pd.isna(row["low"]):
        return number(row["value"], 2)
    return f"{number(row['value'], 2)} [{number(row['low'], 2)}, {number(row['high'], 2)}]"
