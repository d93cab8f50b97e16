"""Columns of the evaluation tables, one row per episode. Imports nothing heavy."""

CELL_COLUMNS = ("suite", "condition", "method", "seed")
TEXT_COLUMNS = ("suite", "condition", "method", "checkpoint")
VARIED = "varied"  # the checkpoint `last` from varied starts
SELECTIONS = ("last", "best", "curve", VARIED)
EVALUATION_COLUMNS = (
    *CELL_COLUMNS,
    *("task", "prompt", "episode", "checkpoint", "iteration", "queries"),
    *("return", "length", "success"),
)
COUNT_COLUMNS = tuple(  # integers of at least 0; success is 0 or 1
    name for name in EVALUATION_COLUMNS if name not in (*TEXT_COLUMNS, "return")
)
