"""Support of the papers' claims by their printed values."""

import pytest

from support import report_run
from trajprompt.report.numbers.claims import read_ledger
from trajprompt.report.numbers.verdicts import (
    NO,
    NOT_PRINTED,
    UNKNOWN,
    WITHIN_MARGIN,
    YES,
    judge,
    published_supports,
)
from trajprompt.report.pages.claims_markdown import claims_markdown
from trajprompt.report.read.published import AVERAGE, Published
from trajprompt.report.read.run import load_run

TABLES = {path.stem: Published([path]) for path in report_run.TABLES}


@pytest.mark.parametrize(
    "direction, printed, margin, expected",
    [
        ("greater", 0.1, 0.0, YES),
        ("greater", -6.6, 0.0, NO),
        ("greater", 0.0, 0.0, NO),  # a tie is not greater
        ("greater", None, 0.0, NOT_PRINTED),
        ("at-least", 0.0, 1.0, YES),
        ("at-least", -0.9, 1.0, WITHIN_MARGIN),
        ("at-least", -1.1, 1.0, NO),
        ("at-least", 3.0, None, YES),
        ("at-least", -0.1, None, UNKNOWN),
        ("equivalent", -0.9, 1.0, YES),
        ("equivalent", 25.7, 1.0, NO),
        ("equivalent", 0.0, None, YES),
        ("equivalent", 0.1, None, UNKNOWN),
    ],
)
def test_support_by_a_printed_difference(direction, printed, margin, expected):
    assert published_supports(direction, printed, margin) == expected


def test_support_of_the_shipped_claims(tmp_path):
    made = report_run.make_run(tmp_path)
    run = load_run(made.settings, made.evaluations, made.stores)
    ledger = read_ledger(report_run.PAPERS)
    rows = judge(ledger, run, TABLES)
    keys = zip(rows["claim"], rows["suite"], strict=True)
    supports = dict(zip(keys, rows["published_supports"], strict=True))
    assert supports["ptdt-return-tokens-help", "ant-dir"] == NO  # printed: -6.6
    assert supports["ptdt-return-tokens-help", "cheetah-dir"] == YES
    assert supports["pd-prompt-quality-matters", "cheetah-dir"] == NO  # printed: -0.7
    assert supports["ptdt-offline-matches-finetuning", "reach"] == WITHIN_MARGIN
    assert supports["ptdt-length-insensitive", "reach"] == NO  # -25.7, a margin of 10.9
    assert supports["ptdt-d4rl-online-matches-finetuning", "hopper"] == UNKNOWN
    assert supports["ptdt-beats-finetuning-32", "reach"] == NOT_PRINTED
    assert supports["pd-best-average-finetuning", AVERAGE] == YES
    lines = claims_markdown(ledger, rows, run).splitlines()
    line = next(li for li in lines if li.startswith("| Return-to-go tokens carry"))
    marked = [" †" in cell for cell in line.split(" | ")[2:]]
    assert marked == [False, False, True, False, False]
    line = next(li for li in lines if "does at least as well as fine-tuning" in li)
    assert line.count(" ‡ |") == 1
