"""D4RL scores of a store's episodes, and how the episodes ended."""

import numpy as np

from trajprompt.collect.levels import level_of
from trajprompt.inspection import text
from trajprompt.tasks.registry import SUITE_NAMES, get_suite
from trajprompt.tasks.suites import Suite

NOTE = (
    "score: D4RL's, 0 is random play and 100 D4RL's expert; a fall is a termination; "
    "unfinished: neither a fall nor the time limit"
)


def scored_suite(name: str | None) -> Suite | None:
    """The D4RL suite ``name``; None for other suites and unknown names."""
    suite = get_suite(name) if name in SUITE_NAMES else None
    return suite if suite is not None and suite.score_range is not None else None


def score_section(
    suite: Suite, returns: np.ndarray, lengths: np.ndarray, fell: np.ndarray
) -> str:
    """Section of E episodes: returns, lengths, and True for each that fell, all (E,)."""
    at_limit = ~fell & (lengths == suite.horizon)
    kinds = {"fall": fell, "time limit": at_limit, "unfinished": ~fell & ~at_limit}
    rows = [
        _row(name, mask, suite, returns, lengths)
        for name, mask in {**kinds, "all": np.ones(len(fell), bool)}.items()
        if mask.any()
    ]
    scores = (f"score {name}" for name in text.STATISTICS)
    header = ("end", "episodes", "share", "mean return", *scores, "steps")
    title = f"D4RL scores of level {level_of(suite)}, by the end of episodes"
    return text.section(title, [*text.table(header, rows), NOTE])


def _row(
    name: str, mask: np.ndarray, suite: Suite, returns: np.ndarray, lengths: np.ndarray
) -> tuple[object, ...]:
    of_end = returns[mask]
    scores = text.statistics(suite.shown(of_end))
    counts = int(mask.sum()), f"{mask.mean():.1%}"
    return name, *counts, float(of_end.mean()), *scores, float(lengths[mask].mean())
