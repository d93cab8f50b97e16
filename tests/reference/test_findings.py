"""Sentences about differences in README.md and docs/findings rest on kept verdicts."""

import pytest

from support.differences import read_verdicts, undecided_rows, unsupported
from support.paths import ROOT
from trajprompt.report.pages.quotes import GROUP, ROW, read_judged, with_current_quotes

RUN = ROOT / "results/reference/laptop"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs/findings").glob("*.md"))]
VERDICTS = {
    ("online-helps", "ant-dir"): "reproduced",
    ("online-helps", "reach"): "too noisy",
}
pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


@pages
def test_every_sentence_about_a_difference_rests_on_a_verdict(page):
    assert unsupported(page.read_text(), read_verdicts(RUN)) == []


@pages
def test_rows_of_tables_have_their_verdict(page):
    assert undecided_rows(page.read_text(), read_verdicts(RUN)) == []


@pages
def test_quotes_have_the_values_and_verdicts_of_the_kept_run(page):
    """`trajprompt results results/reference/laptop --quotes <page>` updates them."""
    text = page.read_text()
    quotes = [*GROUP.finditer(text), *ROW.finditer(text)]
    assert text == with_current_quotes(text, read_judged(RUN / "claims.csv"), page.name)
    assert quotes


@pytest.mark.parametrize(
    "sentence",
    [
        "Online tuning beats no tuning.",
        "Online tuning beats no tuning on reach (`online-helps`).",
        "Online tuning beats no tuning (`no-such-claim`).",
        "- **Online.** It gains on reach:\n  +1.0 [−1.0, 3.0] on reach (`online-helps`).",
    ],
)
def test_a_sentence_without_a_verdict_is_found(sentence):
    assert len(unsupported(f"# Title\n\n{sentence}", VERDICTS)) == 1


@pytest.mark.parametrize(
    "sentence",
    [
        "Online tuning beats no tuning on ant-dir (`online-helps`).",
        "It gains: +5.0 [1.0, 9.0] on ant-dir, reproduced (`online-helps`).",
        "Online tuning against no tuning on reach is too noisy (`online-helps`).",
        "It tunes four prompts.",
        "[The table](results/reference/laptop/tables/a.md) shows which is best.",
    ],
)
def test_a_sentence_with_a_verdict_is_accepted(sentence):
    assert unsupported(f"# Title\n\n{sentence}", VERDICTS) == []


def test_a_row_without_its_verdict_is_found():
    row = "| Online | reach | +1.0 [−1.0, 3.0] | {} | `online-helps` |"
    assert undecided_rows(row.format("too noisy"), VERDICTS) == []
    assert len(undecided_rows(row.format("gains"), VERDICTS)) == 1
