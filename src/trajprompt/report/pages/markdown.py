"""Markdown of the report's tables, with labels and number formats."""

import math
from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal

import pandas as pd

from trajprompt.report.numbers.cell_table import EXPERT_DATA, FIRST_EPISODES, TEACHER_LABELS
from trajprompt.report.read.published import AVERAGE
from trajprompt.report.read.run import Run
from trajprompt.tasks.registry import SUITE_NAMES, get_suite

EMPTY = "–"
TUNED = "parameters tuned per prompt (share of the backbone)"
GAP_CLOSED = "closed share of the gap from the first to the expert episodes, %"
# Names in the papers' tables that are not suites of ours.
OTHER_LABELS = {
    "halfcheetah": "HalfCheetah (D4RL)",
    "hopper": "Hopper (D4RL)",
    "walker": "Walker (D4RL)",
    AVERAGE: "Average",
}


def suite_label(name: str) -> str:
    """Label of a suite or of another printed name; an unknown name is returned as is."""
    if name in SUITE_NAMES:
        return get_suite(name).label
    return OTHER_LABELS.get(name, name)


def number(value: float | None, digits: int = 1) -> str:
    """Value rounded to ``digits``, halves away from zero; a dash for None and NaN.

    Float noise is rounded off first, so 45.45 from a sum counts as a half.
    """
    if value is None or math.isnan(value):
        return EMPTY
    rounded = Decimal(f"{value:.9f}").quantize(Decimal(10) ** -digits, ROUND_HALF_UP)
    return f"{rounded if rounded else abs(rounded)}"


def interval(row: pd.Series) -> str:
    """``mean [low, high]``, or the mean alone if there is no interval."""
    if pd.isna(row.get("low")):
        return number(row["mean"])
    return f"{number(row['mean'])} [{number(row['low'])}, {number(row['high'])}]"


def interval_note(run: Run, text: str) -> str:
    """End of a sentence: ``text`` on a run's intervals, if it has any."""
    if len(run.seeds) == 1:
        return "; a single seed, as here, has no interval."
    return text


def plus_minus(mean: float | None, spread: float | None) -> str:
    """``mean ± spread``, or the mean alone if there is no spread."""
    if spread is None or math.isnan(spread):
        return number(mean)
    return f"{number(mean)} ± {number(spread)}"


def grid(header: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    """Markdown table; the first ``left`` columns are text, the others numbers."""
    rule = [":--" if index < left else "--:" for index in range(len(header))]
    return "\n".join("| " + " | ".join(row) + " |" for row in [header, rule, *rows]) + "\n"


def table_markdown(table: pd.DataFrame, run: Run, checkpoint: str = "last") -> str:
    """Table with a row per method, and our and the published value for each suite."""
    counts = _counts(table, run)
    header = ["return", *(["tuned parameters"] if counts else [])]
    for suite in run.shown:
        header += [f"{suite_label(suite)}: ours", "paper"]
    cells = table.set_index(["column", "suite"])
    names = list(dict.fromkeys(zip(table["column"], table["label"], strict=True)))
    rows = []
    for name, label in names:
        line = [f"*{label}*" if name in TEACHER_LABELS else label]
        line += [counts.get(name, EMPTY)] if counts else []
        for suite in run.shown:
            line += _pair(cells, name, suite)
        rows.append(line)
    methods = [name for name, _ in names if name not in TEACHER_LABELS]
    parts = [f"# {run.title}\n", grid(header, rows), gap_markdown(table, run)]
    parts += [sizes_markdown(table, run), table_notes(table, run, checkpoint, methods)]
    return "\n".join(part for part in parts if part)


def _counts(table: pd.DataFrame, run: Run) -> dict[str, str]:
    """Parameters tuned per prompt by entry, as ``135`` or ``135 to 220`` over suites."""
    counted = table[table["suite"].isin(run.suites)].dropna(subset=["parameters"])
    return {str(name): span(rows["parameters"]) for name, rows in counted.groupby("column")}


def gap_markdown(table: pd.DataFrame, run: Run) -> str:
    """Table of the share of the expert gap that each method closes."""
    methods = table[~table["column"].isin(list(TEACHER_LABELS))]
    shares = methods.set_index(["column", "suite"])["gap_closed"]
    rows = [
        [
            label,
            *(number(100 * shares.get((name, suite), math.nan), 0) for suite in run.shown),
        ]
        for name, label in dict.fromkeys(
            zip(methods["column"], methods["label"], strict=True)
        )
    ]
    header = [GAP_CLOSED, *(suite_label(suite) for suite in run.shown)]
    return grid(header, rows)


def sizes_markdown(table: pd.DataFrame, run: Run) -> str:
    """Table of the parameters each method tunes per prompt, and their backbone share."""
    counted = table[table["suite"].isin(run.suites)].dropna(subset=["parameters"])
    cells = counted.set_index(["column", "suite"])
    rows = []
    for entry in run.entries:
        ours = [_size(cells, entry.id, suite) for suite in run.suites]
        printed = run.printed_sizes.get(entry.id)
        paper = printed.text if printed else EMPTY
        if printed or set(ours) - {EMPTY}:
            rows.append([entry.label, *ours, paper])
    header = [TUNED, *(suite_label(suite) for suite in run.suites), "paper"]
    return grid(header, rows) if rows else ""


def _size(cells: pd.DataFrame, entry: str, suite: str) -> str:
    if (entry, suite) not in cells.index:
        return EMPTY
    row = cells.loc[(entry, suite)]
    count = int(row["parameters"])
    return f"{count:,} ({row['parameters_percentage']:.3g} %)" if count else EMPTY


def _pair(cells: pd.DataFrame, entry: str, suite: str) -> list[str]:
    """Our value and the published value of one cell."""
    if (entry, suite) not in cells.index:
        return [EMPTY, EMPTY]
    row = cells.loc[(entry, suite)]
    return [interval(row), plus_minus(row.get("published"), row.get("published_spread"))]


def _printed_in(run: Run, entries: Sequence[str]) -> str:
    sources = run.published.sources(entries)
    if not sources:
        return "No paper prints these entries in such a table."
    three = run.published.seeds(entries) == {3}
    what = "mean ± spread over three seeds" if three else "mean, ± spread if printed"
    return (
        f"Paper: {what}, from {' and '.join(sources)}; averages are recomputed from the "
        "printed cells."
    )


def table_notes(
    table: pd.DataFrame, run: Run, checkpoint: str, entries: Sequence[str]
) -> str:
    """Notes on the table's values, and on printed values that do not add up."""
    ours = table[table["column"].isin(entries)]
    teacher = table[table["column"].isin([FIRST_EPISODES, EXPERT_DATA])]
    chosen = {
        "last": "The prompt (or model) after the last tuning iteration, without selection.",
        "best": "The prompt with the lowest objective that its method measured in tuning.",
    }
    brackets = (
        ", with the 95 % t interval over seeds, for these tasks; the spread over seeds is "
        "in the CSV file."
    )
    lines = [
        f"Run `{run.name}`, {size(run, ours)}. {chosen[checkpoint]}",
        f"Ours: mean return over test tasks and seeds{interval_note(run, brackets)} "
        f"{_printed_in(run, entries)}",
        f"Data: first and last {span(teacher['episodes'])} episodes of each test task's "
        "buffer; expert demonstrations come from the last.",
    ]
    if note := equal_resets_note(run.suites):
        lines.append(note)
    if AVERAGE in run.shown:
        lines.append(
            f"Averages, ours and the paper's, are over {_listed(run.averaged)} with equal "
            "weight; the average closed share is the mean of the suites' shares."
        )
    lines += [
        f"{entry.label}: {note}."
        for entry in run.entries
        if entry.id in entries
        for note in (*run.published.notes(entry.id), *_size_notes(run, entry.id))
    ]
    return "\n".join(f"- {line}" for line in lines) + "\n"


def _size_notes(run: Run, entry: str) -> list[str]:
    printed = run.printed_sizes.get(entry)
    return [f"{printed.note} ({printed.source})"] if printed and printed.note else []


def _listed(suites: Sequence[str]) -> str:
    return ", ".join(suite_label(suite) for suite in suites)


def size(run: Run, rows: pd.DataFrame) -> str:
    """Size of the run in words, for a claim or a table."""
    episodes = episodes_text(rows)
    return f"n = {len(run.seeds)} seed(s), {episodes} evaluation episodes per task and seed"


def episodes_text(rows: pd.DataFrame) -> str:
    """``10``, or if suites differ ``1 (MW reach) and 50 (Ant-dir, Cheetah-dir)``.

    ``rows`` have the columns suite and episodes; rows of an average are left out, unless
    there are no others.
    """
    counts: dict[str, list[str]] = {}
    of_suites = rows[rows["suite"] != AVERAGE]
    of_suites = rows if of_suites.empty else of_suites
    for suite, group in of_suites.groupby("suite", sort=False):
        counts.setdefault(span(group["episodes"]), []).append(suite_label(str(suite)))
    if len(counts) < 2:
        return span(of_suites["episodes"])
    parts = [f"{count} ({', '.join(suites)})" for count, suites in counts.items()]
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def equal_resets_note(suites: Sequence[str]) -> str:
    """Sentence on the suites whose resets are all equal; empty if there are none."""
    equal = [s for s in suites if s in SUITE_NAMES and get_suite(s).deterministic_resets]
    if not equal:
        return ""
    return (
        f"On {' and '.join(map(suite_label, equal))} all resets are equal: a method that "
        "searches by playing was tuned on the very episode that is evaluated."
    )


def span(counts: pd.Series) -> str:
    """``10``, or ``1 to 10`` if counts differ; figures use it too."""
    low, high = int(counts.min()), int(counts.max())
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def task_markdown(table: pd.DataFrame) -> str:
    """One table per suite: a row per test task, columns for the data and the methods."""
    parts = []
    for suite, rows in table.groupby("suite", sort=False):
        entries = dict(zip(rows["column"], rows["label"], strict=True))
        header = ["task", *TEACHER_LABELS.values(), *entries.values()]
        lines = []
        for task, group in rows.groupby("task"):
            by_column = group.set_index("column")
            teacher = [number(group[level].iloc[0]) for level in TEACHER_LABELS]
            cells = [interval(by_column.loc[entry]) for entry in entries]
            lines.append([str(task), *teacher, *cells])
        parts.append(f"### {suite_label(str(suite))}\n\n{grid(header, lines)}")
    return "\n".join(parts)
