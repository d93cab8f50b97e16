"""Curves of the offline algorithms: scores of their policies by update."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from trajprompt.report.read.tables import read_table
from trajprompt.tasks.registry import get_suite

MADE_BY = "trajprompt learn"
RETURN = "return"  # of the policy; a curve without played episodes lacks it
# (suite, algorithm) -> table with the columns step, seed and, if played, score.
Learning = dict[tuple[str, str], pd.DataFrame]


def read_learning(paths: Sequence[str | Path]) -> Learning:
    """Read curves whose paths end in ``<suite>/<algorithm>/seed<n>.csv``."""
    found: dict[tuple[str, str], list[pd.DataFrame]] = {}
    for path in map(Path, paths):
        table = read_table(path, MADE_BY, ["step"], ["step"])
        suite, seed = get_suite(path.parts[-3]), path.stem.removeprefix("seed")
        kept = table[["step"]].assign(seed=int(seed))
        if RETURN in table:
            kept = kept.assign(score=suite.shown(table[RETURN].to_numpy()))
        found.setdefault((suite.name, path.parts[-2]), []).append(kept)
    return {key: pd.concat(parts, ignore_index=True) for key, parts in found.items()}
