"""Primary contrasts as sentences."""

import pandas as pd
import pytest

from support.verdict_table import ENTRIES, write_verdicts
from trajprompt.errors import TrajpromptError
from trajprompt.report.numbers.findings import labels, read_findings, statement
from trajprompt.report.read.cells import parse_entries

NAMES = labels({entry.id: entry for entry in parse_entries(ENTRIES)})


def test_only_primary_contrasts_are_read(tmp_path):
    rows = read_findings(write_verdicts(tmp_path / "claims.csv"))
    assert rows["claim"].tolist() == ["helps", "helps", "same", "gains", "bandit"]


@pytest.mark.parametrize("missing", ["primary", "delta", "published_difference"])
def test_a_missing_column_is_named(missing, tmp_path):
    path = write_verdicts(tmp_path / "claims.csv")
    pd.read_csv(path).drop(columns=missing).to_csv(path, index=False)
    with pytest.raises(TrajpromptError, match=rf"claims.csv.*{missing}"):
        read_findings(path)


def test_statements_have_labels_and_say_what_is_not_tuned(tmp_path):
    rows = read_findings(write_verdicts(tmp_path / "claims.csv"))
    said = [statement(row, NAMES, "Ant") for _, row in rows.iterrows()]
    assert said == [
        "PTDT-online beats Prompt-DT (not tuned) on Ant",
        "PTDT-online beats Prompt-DT (not tuned) on Ant",
        "PTDT-online is as good as Prompt-DT-FT on Ant",
        "PTDT-online gains over Prompt-DT (not tuned) no less than Prompt-DT-FT over "
        "Untuned PDT on average",
        "bandit beats Untuned PDT on Ant",  # the run lacks the entry: its id
    ]
