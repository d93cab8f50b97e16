"""Summary of the signal of returns about perturbed prompts, over tasks and backbones."""

import numpy as np
import pandas as pd

KEYS = ["suite", "condition", "smoothing"]
MEASURES = ("cosine", "reliability", "candidates", "noise")


def summarise(rows: pd.DataFrame) -> pd.DataFrame:
    """Means and standard errors over tasks and backbones, a row per smoothing.

    ``rows`` have a row per suite, condition, smoothing, seed, task and prompt.
    """
    groups = rows.groupby(KEYS, sort=False)
    table = groups[list(MEASURES)].mean()
    count = groups.size()
    for name in ("cosine", "reliability"):
        table[f"{name}_se"] = groups[name].std(ddof=1) / np.sqrt(count)
    table["backbones"] = groups["seed"].nunique()
    table["tasks"] = groups["task"].nunique()
    table["resets"] = groups["resets"].first()
    return table.reset_index()
