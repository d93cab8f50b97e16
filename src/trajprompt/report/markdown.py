"""The report's tables as Markdown."""

import math
from collections.abc import Iterable, Sequence

import pandas as pd

from trajprompt.report.published import AVERAGE
from trajprompt.report.run import Run
from trajprompt.report.tables import EXPERT_DATA, FIRST_EPISODES, TEACHER_LABELS

EMPTY = "–"
SUITE_LABELS = {
    "cheetah-dir": "Cheetah-dir",
    "cheetah-vel": "Cheetah-vel",
    "ant-dir": "Ant-dir",
    "ant-dir-ood": "Ant-dir-OOD",
    "reach": "MW reach",
    AVERAGE: "Average",
}


def number(value: float | None, digits: int = 1) -> str:
    """A return as the papers print it, one decimal; a dash for nothing."""
    if value is None or math.isnan(value):
        return EMPTY
    return f"{round(value, digits) + 0.0:.{digits}f}"  # + 0.0: no minus before a zero


def interval(row: pd.Series) -> str:
    """``mean [low, high]``, or the mean alone where there is no interval."""
    if pd.isna(row.get("low")):
        return number(row["mean"])
    return f"{number(row['mean'])} [{number(row['low'])}, {number(row['high'])}]"


def plus_minus(mean: float | None, spread: float | None) -> str:
    """``mean ± spread`` as printed."""
    if spread is None or math.isnan(spread):
        return number(mean)
    return f"{number(mean)} ± {number(spread)}"


def grid(header: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    """A Markdown table; the first ``left`` columns are text, the others numbers."""
    rule = [":--" if index < left else "--:" for index in range(len(header))]
    return "\n".join("| " + " | ".join(row) + " |" for row in [header, rule, *rows]) + "\n"


def table1_markdown(table: pd.DataFrame, run: Run, checkpoint: str = "last") -> str:
    """Methods downwards; for every suite and the average ours and the published figure."""
    suites = [*run.suites, AVERAGE]
    header = ["return"]
    for suite in suites:
        header += [f"{SUITE_LABELS.get(suite, suite)}: ours", "paper"]
    cells = table.set_index(["column", "suite"])
    names = list(dict.fromkeys(zip(table["column"], table["label"], strict=True)))
    rows = []
    for name, label in names:
        line = [f"*{label}*" if name in TEACHER_LABELS else label]
        for suite in suites:
            line += _pair(cells, name, suite)
        rows.append(line)
    methods = [name for name, _ in names if name not in TEACHER_LABELS]
    return f"{grid(header, rows)}\n{table1_notes(table, run, checkpoint, methods)}"


def _pair(cells: pd.DataFrame, column: str, suite: str) -> list[str]:
    """Ours and the published figure of one cell."""
    if (column, suite) not in cells.index:
        return [EMPTY, EMPTY]
    row = cells.loc[(column, suite)]
    return [interval(row), plus_minus(row.get("published"), row.get("published_spread"))]


def table1_notes(
    table: pd.DataFrame, run: Run, checkpoint: str, columns: Sequence[str]
) -> str:
    """What the table's numbers are, and where the printed ones do not add up."""
    ours = table[table["column"].isin(columns)]
    teacher = table[table["column"].isin([FIRST_EPISODES, EXPERT_DATA])]
    chosen = {
        "last": "The prompt (or model) after the last tuning iteration, nothing selected.",
        "best": "The prompt of the lowest objective that its own method saw while tuning.",
    }
    lines = [
        f"Run `{run.name}`, {size(run, ours)}. {chosen[checkpoint]}",
        "Ours: mean return over test tasks and seeds, with the 95 % interval of a "
        "bootstrap that redraws seeds within each task; the spread over seeds is in the CSV. "
        "Paper: mean ± spread over three seeds, from "
        f"{' and '.join(run.published.sources(columns)) or 'nowhere'}; "
        "averages are recomputed from the printed cells.",
        f"Data: first and last {int(teacher['episodes'].min())} or more episodes of each "
        "test task's buffer; the last ones are the demonstrations that methods learn from.",
    ]
    lines += [f"{note}." for note in run.published.notes(columns)]
    return "\n".join(f"- {line}" for line in lines) + "\n"


def size(run: Run, rows: pd.DataFrame) -> str:
    """The run's size in words, for a claim or a table."""
    episodes = sorted({int(count) for count in rows["episodes"]})
    span = " to ".join(str(count) for count in dict.fromkeys((episodes[0], episodes[-1])))
    return f"n = {len(run.seeds)} seed(s), {span} evaluation episodes per task and seed"


def task_markdown(table: pd.DataFrame) -> str:
    """One table per suite: test tasks downwards, the data and the methods across."""
    parts = []
    for suite, rows in table.groupby("suite", sort=False):
        labels = list(dict.fromkeys(rows["label"]))
        header = ["task", *TEACHER_LABELS.values(), *labels]
        lines = []
        for task, group in rows.groupby("task"):
            by_label = group.set_index("label")
            teacher = [number(group[level].iloc[0]) for level in TEACHER_LABELS]
            cells = [interval(by_label.loc[label]) for label in labels]
            lines.append([str(task), *teacher, *cells])
        parts.append(f"### {SUITE_LABELS.get(str(suite), suite)}\n\n{grid(header, lines)}")
    return "\n".join(parts)
