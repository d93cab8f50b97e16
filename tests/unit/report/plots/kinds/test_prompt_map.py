"""Map of prompts by t-SNE."""

import numpy as np

from support import plots_run
from support.plots_run import SEEDS
from support.plots_tables import kind_table


def test_the_map_has_every_distinct_prompt_once(tmp_path):
    rows = kind_table(tmp_path, "prompt-map")
    counts = rows.groupby(["source", "adapted"]).size()
    assert counts["expert data", True] == counts["PTDT-OFFLINE", True] == 5 * len(SEEDS)
    assert counts["PROMPT-DIFFUSER", False] == 5 * len(SEEDS) * plots_run.SHOWN
    # Sources that are far apart in the data are far apart in the map.
    middle = rows[~rows["adapted"]].groupby("source")[["x", "y"]].agg(["mean", "std"])
    gap = np.hypot(*(middle[a]["mean"].diff().iloc[-1] for a in ("x", "y")))
    assert gap > 2 * middle["x"]["std"].max()
