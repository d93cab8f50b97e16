"""An invented claims.csv with primary contrasts."""

from pathlib import Path

import pandas as pd

ENTRIES = (  # as in the settings of a report
    {"id": "prompt-dt", "label": "Prompt-DT", "condition": "expert", "method": "none"},
    {"id": "pdt", "label": "Untuned PDT", "condition": "segments", "method": "none"},
    {"id": "online", "label": "PTDT-online", "condition": "expert", "method": "online"},
    {"id": "ft", "label": "Prompt-DT-FT", "condition": "expert", "method": "full-finetune"},
)
COLUMNS = ["claim", "paper", "suite", "direction", "first", "second", "minus", "verdict"]
COLUMNS += ["difference", "low", "high", "published_difference", "delta", "primary"]
PTDT, BANDITS = "arXiv 2305.09648", "arXiv 2502.04979"
NONE = None
ROWS = (
    ("helps", PTDT, "cheetah-vel", "greater", "online", "prompt-dt", "", "too noisy")
    + (2.2, -3.3, 7.7, 4.0, 2.0, True),
    ("helps", PTDT, "reach", "greater", "online", "prompt-dt", "", "reproduced")
    + (23.0, 16.0, 30.0, 2.4, 1.0, True),
    ("same", PTDT, "ant-dir", "equivalent", "online", "ft", "", "not tested")
    + (NONE, NONE, NONE, 1.0, 8.0, True),
    ("gains", PTDT, "average", "at-least", "online", "ft", "prompt-dt pdt", "contradicted")
    + (-9.0, -12.0, -6.0, NONE, 2.0, True),
    ("bandit", BANDITS, "ant-dir", "greater", "bandit", "pdt", "", "reproduced")
    + (60.0, 50.0, 70.0, 141.0, 8.0, True),
    ("other", PTDT, "reach", "greater", "ft", "prompt-dt", "", "reproduced")
    + (5.0, 4.0, 6.0, 8.3, 1.0, False),
)


def write_verdicts(path: Path) -> Path:
    """Write the table to ``path``."""
    pd.DataFrame(ROWS, columns=COLUMNS).to_csv(path, index=False)
    return path
