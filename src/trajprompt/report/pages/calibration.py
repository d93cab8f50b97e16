"""Text of the calibration: the choices as YAML, and its tables as Markdown."""

import json
from collections.abc import Iterator
from typing import Any

import pandas as pd

from trajprompt.report.numbers.printed import has_scores
from trajprompt.report.pages.formats import ends, grid, number, plus_minus, suite_label

HEADER = "# Chosen by `trajprompt calibrate --all`; docs/calibration.md has the rule.\n"
MARKS = {
    "same_tasks": "†: test tasks are training tasks",
    "edge": "‡: the best setting is at an end of its grid",
    "paper": "*: the paper's setting",
    "idle": "°: no setting changes the predicted actions",
}


def choices(table: pd.DataFrame) -> dict[str, dict[str, dict[str, Any]]]:
    """Suite -> method -> options of the chosen setting."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for row in table[table["chosen"]].itertuples():
        options = json.loads(str(row.options))
        found.setdefault(str(row.suite), {})[str(row.method)] = options
    return found


def choices_yaml(table: pd.DataFrame) -> str:
    """Text of choices.yaml."""
    import yaml

    return HEADER + yaml.safe_dump(choices(table), default_flow_style=None, width=100)


def markdown(table: pd.DataFrame, signal: pd.DataFrame, headroom: pd.DataFrame) -> str:
    """Page with the chosen settings of every suite, the signal and the headroom."""
    parts = ["# Calibration\n", "## Chosen settings\n", chosen_markdown(table)]
    parts += ["## Signal before tuning\n", signal_markdown(signal)]
    parts += ["## Headroom on the tuned tasks\n", headroom_markdown(headroom)]
    return "\n".join(parts)


def headroom_markdown(headroom: pd.DataFrame) -> str:
    """Table of what untuned prompts leave to gain, a row per suite and condition."""
    first, expert = ends(any(has_scores(str(suite)) for suite in headroom["suite"]))
    header = ["suite", "condition", first, "untuned", expert, "gap closed, %", "headroom"]
    rows = [
        [suite_label(row["suite"]), row["condition"]]
        + [number(row[name]) for name in ("first", "untuned", "expert")]
        + [number(100 * row["gap_closed"], 0), number(row["headroom"])]
        for _, row in headroom.iterrows()
    ]
    return grid(header, rows, left=2) + "\nMean returns over tasks and backbones.\n"


def chosen_markdown(table: pd.DataFrame) -> str:
    """Table with the chosen, the best and the paper's setting of every cell."""
    header = ["suite", "method", "chosen", "best", "gain of the chosen", "gain of the best"]
    header += ["gain of the paper's", "tuning episodes", "calibration episodes"]
    lines = "; ".join(MARKS.values())
    return (
        grid(header, _chosen_rows(table), left=4)
        + "\nGain ± the larger of its standard error and the method's typical one. "
        + f"{lines}.\n"
    )


def _chosen_rows(table: pd.DataFrame) -> Iterator[list[str]]:
    for (suite, method), cell in table.groupby(["suite", "method"], sort=False):
        chosen = cell[cell["chosen"]].iloc[0]
        best = cell[cell["best"]]
        paper = cell[cell["paper"]].iloc[0]
        idle, edge = best.empty, bool(cell["edge"].any())
        marks = "*" * bool(chosen["paper"]) + "°" * idle
        yield [
            suite_label(str(suite)) + "†" * bool(chosen["same_tasks"]),
            str(method),
            options_text(str(chosen["options"])) + marks,
            "" if idle else options_text(str(best["options"].iloc[0])) + "‡" * edge,
            _gain(chosen),
            "" if idle else _gain(best.iloc[0]),
            _gain(paper),
            str(int(chosen["tuning_episodes"])),
            str(int(cell["calibration_episodes"].sum())),
        ]


def options_text(options: str) -> str:
    """Options, given as JSON, as short text."""
    return ", ".join(f"{name} {value:g}" for name, value in json.loads(options).items())


def _gain(row: pd.Series) -> str:
    return plus_minus(row["gain"], max(row["se"], row["typical_se"]))


def signal_markdown(signal: pd.DataFrame) -> str:
    """Table of the signal, a row per suite, condition and smoothing."""
    header = ["suite", "condition", "smoothing", "cosine of two resets", "reliability"]
    header += ["sd between candidates", "sd of one episode"]
    rows = [
        [
            suite_label(row["suite"]),
            row["condition"],
            f"{row['smoothing']:g}",
            f"{row['cosine']:.2f} ± {row['cosine_se']:.2f}",
            f"{row['reliability']:.2f} ± {row['reliability_se']:.2f}",
            f"{row['candidates']:.1f}",
            f"{row['noise']:.1f}",
        ]
        for _, row in signal.iterrows()
    ]
    return grid(header, rows, left=2) + "\n± standard error over tasks and backbones.\n"
