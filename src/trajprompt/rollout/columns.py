"""Columns of the evaluation tables, one row per episode; light, for all that read them."""

CELL_COLUMNS = ("suite", "setting", "method", "seed")
EVALUATION_COLUMNS = (
    *CELL_COLUMNS,
    *("task", "prompt", "episode", "checkpoint", "iteration", "queries"),
    *("return", "length", "success"),
)
