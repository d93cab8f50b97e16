"""Sentences below the report's tables and claims: sizes, sources, intervals, resets."""

from collections.abc import Sequence

import pandas as pd

from trajprompt.report.numbers.cell_table import DATA_MEAN, TEACHER_LABELS
from trajprompt.report.pages.formats import span, suite_label
from trajprompt.report.read.published import AVERAGE
from trajprompt.report.read.run import Run
from trajprompt.tasks.registry import SUITE_NAMES, get_suite

OWN_DATA = (
    "The data of D4RL suites is our own, from the teacher of this run, unless the run's "
    "configuration reads it from a file; all seeds learn from the same data."
)


def interval_note(run: Run, text: str) -> str:
    """End of a sentence: ``text`` on a run's intervals, if it has any."""
    if len(run.seeds) == 1:
        return "; a single seed, as here, has no interval."
    return text


def table_notes(
    table: pd.DataFrame, run: Run, checkpoint: str, entries: Sequence[str]
) -> str:
    """Notes on the table's values, and on printed values that do not add up."""
    ours = table[table["column"].isin(entries)]
    teacher = table[table["column"].isin(set(TEACHER_LABELS) - {DATA_MEAN})]
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
    ]
    if not teacher.empty:
        lines.append(
            f"Data: first and last {span(teacher['episodes'])} episodes of each test "
            "task's buffer; expert demonstrations come from the last."
        )
    if (table["column"] == DATA_MEAN).any():
        lines += [_score_note(run), OWN_DATA]
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


def _score_note(run: Run) -> str:
    """What the D4RL scores 0 and 100 are, for each environment of the table."""
    ranges = {
        suite.environment: suite.score_range
        for suite in map(get_suite, run.suites)
        if suite.score_range is not None
    }
    ends = "; ".join(
        f"{environment}: {low:.1f} and {high:.1f}"
        for environment, (low, high) in ranges.items()
    )
    text = f"D4RL's scores 0, random play, and 100, D4RL's expert, are returns of {ends}."
    return text if run.raw else f"Returns on D4RL suites are scores. {text}"


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
