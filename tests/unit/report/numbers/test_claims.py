"""Verdicts, their sign conventions, and the shipped claims."""

import re
import shutil

import numpy as np
import pytest
import yaml

from support import report_run
from support.paths import CONFIG
from trajprompt.config.load import load_config
from trajprompt.errors import TrajpromptError
from trajprompt.report.numbers.cell_table import EXPERT_DATA
from trajprompt.report.numbers.claims import Claim, Ledger, read_ledger
from trajprompt.report.numbers.verdicts import (
    CONTRADICTION,
    INCONCLUSIVE,
    NOT_JUDGED,
    NOT_REPRODUCED,
    NOT_TESTED,
    REPRODUCED,
    VERDICTS,
    judge,
    verdict,
)
from trajprompt.report.pages.claims_markdown import claims_markdown
from trajprompt.report.pages.summary import COUNTED, summary
from trajprompt.report.read.papers import THIS_REPOSITORY
from trajprompt.report.read.published import AVERAGE, Published
from trajprompt.report.read.run import load_run

TABLES = {path.stem: Published([path]) for path in report_run.TABLES}
NAN = float("nan")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    made = report_run.make_run(tmp_path_factory.mktemp("run"), ("cheetah-vel", "reach"))
    return load_run(made.settings, made.evaluations, made.stores)


@pytest.mark.parametrize(
    "direction, low, high, expected",
    [
        ("greater", 1.1, 2.0, REPRODUCED),
        ("greater", -2.0, 0.9, NOT_REPRODUCED),
        ("greater", 0.9, 2.0, INCONCLUSIVE),
        ("greater", NAN, NAN, INCONCLUSIVE),  # one seed
        ("at-least", -0.9, 0.5, REPRODUCED),
        ("at-least", 3.0, 9.0, REPRODUCED),
        ("at-least", -3.0, -1.1, NOT_REPRODUCED),
        ("at-least", -1.1, 5.0, INCONCLUSIVE),
        ("equivalent", -0.9, 0.9, REPRODUCED),
        ("equivalent", 0.0, 0.0, REPRODUCED),
        ("equivalent", 1.1, 2.0, NOT_REPRODUCED),
        ("equivalent", -2.0, -1.1, NOT_REPRODUCED),
        ("equivalent", -0.5, 1.5, INCONCLUSIVE),
        ("equivalent", -5.0, 5.0, INCONCLUSIVE),
        ("equivalent", NAN, NAN, INCONCLUSIVE),
    ],
)
def test_every_verdict(direction, low, high, expected):
    assert verdict(direction, low, high, margin=1.0) == expected


@pytest.mark.parametrize(
    "low, high, expected",
    [
        (0.1, 2.0, REPRODUCED),
        (-2.0, -0.1, NOT_REPRODUCED),
        (-0.1, 2.0, INCONCLUSIVE),
        (0.0, 0.0, INCONCLUSIVE),  # no variation between seeds
    ],
)
def test_greater_needs_no_margin(low, high, expected):
    assert verdict("greater", low, high) == expected


def test_unknown_directions_are_errors():
    with pytest.raises(TrajpromptError, match="less"):
        verdict("less", 0.0, 1.0)


def judged(run, first, second, direction="greater", margin=0.0, minus=()):
    """Verdict rows of one claim about two suites, indexed by suite."""
    published = {"cheetah-vel": None, "reach": None}
    texts = ("c", "paper", "place", "table", "text", first, second, direction)
    claim = Claim(*texts, published, margin, minus)
    return judge(Ledger([claim], [], []), run, TABLES).set_index("suite")


def test_less_negative_returns_are_greater(run):
    """Returns on cheetah-vel: about −66 with an expert prompt, −160 with a random one."""
    rows = judged(run, "prompt-dt", "prompt-dt-random")
    assert rows.loc["cheetah-vel", "verdict"] == REPRODUCED
    assert 80 < rows.loc["cheetah-vel", "difference"] < 110
    reverse = judged(run, "prompt-dt-random", "prompt-dt")
    assert list(reverse["verdict"]) == [NOT_REPRODUCED, NOT_REPRODUCED]


def test_margin_is_a_share_of_the_datas_gap(run):
    rows = judged(run, "prompt-dt", "mt-orl", "equivalent", 0.05)
    assert rows.loc["cheetah-vel", "margin"] == pytest.approx(0.05 * (260 - 52))
    assert rows.loc["reach", "margin"] == pytest.approx(0.05 * (655 - 110))
    assert set(rows["verdict"]) == {NOT_REPRODUCED}
    same = judged(run, "prompt-dt", "prompt-dt", "equivalent", 0.05)
    assert set(same["verdict"]) == {REPRODUCED}


def test_effects_are_compared_as_differences_of_differences(run):
    """A random prompt costs 45 % of the gap, a missing prompt 80 %: 35 % more."""
    rows = judged(run, "prompt-dt", "prompt-dt", minus=("mt-orl", "prompt-dt-random"))
    assert set(rows["verdict"]) == {REPRODUCED}
    plain = judged(run, "prompt-dt-random", "mt-orl")
    assert list(rows["difference"]) == pytest.approx(list(plain["difference"]))
    nothing = judged(run, "prompt-dt", "mt-orl", minus=("prompt-dt", "mt-orl"))
    assert list(nothing["difference"]) == [0.0, 0.0]
    absent = judged(run, "prompt-dt", "mt-orl", minus=("prompt-dt", "soft-prompt"))
    assert set(absent["verdict"]) == {NOT_TESTED}


def test_the_expert_data_can_be_a_side_of_a_claim(run):
    rows = judged(run, EXPERT_DATA, "prompt-dt")
    mean = run.scores(run.entry("prompt-dt"))["reach"].values.mean()
    assert rows.loc["reach", "difference"] == pytest.approx(655 - mean)
    assert set(rows["verdict"]) == {REPRODUCED}
    near = judged(run, "prompt-dt", EXPERT_DATA, "at-least", 0.5)
    assert set(near["verdict"]) == {REPRODUCED} and near["episodes"].min() == 3
    texts = ("c", "paper", "place", "table", "text", EXPERT_DATA, "prompt-dt", "greater")
    absent = Claim(*texts, {"ant-dir": None})
    assert judge(Ledger([absent], [], []), run, TABLES)["verdict"][0] == NOT_TESTED


def test_our_own_claims_have_a_separate_section(run):
    texts = ("place", "table", "Ours.", "prompt-dt", "mt-orl", "greater")
    ours = Claim("ours", THIS_REPOSITORY, *texts, {"reach": None})
    printed = {"first": 1.0, "second": 2.0, "difference": -1.0}
    printed |= {"spread": None, "exceeds_spread": None}
    theirs = Claim("theirs", "arXiv 2502.04979", *texts, {"reach": printed})
    names = {
        THIS_REPOSITORY: "What no paper answers",
        "arXiv 2502.04979": "Prompt-Tuning Bandits",
    }
    ledger = Ledger([theirs, ours], names=names)
    text = claims_markdown(ledger, judge(ledger, run, TABLES), run)
    theirs_part, our_part = text.split("## What no paper answers (this repository)")
    assert "## Prompt-Tuning Bandits (arXiv 2502.04979)" in theirs_part
    assert f"| {REPRODUCED} † |" in theirs_part
    our_part = our_part.split("##")[0]
    assert "These questions are ours" in our_part and "†" not in our_part
    assert f"| {REPRODUCED} |" in our_part


def test_our_own_claims_are_shipped():
    claims = read_ledger(report_run.PAPERS).claims
    ours = [claim for claim in claims if claim.paper == THIS_REPOSITORY]
    suites = {suite for claim in ours for suite in claim.published}
    assert suites >= {"cheetah-vel", "point-sparse"}
    assert {claim.second.removeprefix("ptdt-") for claim in ours} == {
        *("best-of-n", "cma-es", "prompt-dt-ft", "soft-prompt"),
    }
    assert all(set(claim.published.values()) == {None} for claim in ours)


def test_claims_on_missing_cells_are_not_tested(run):
    ledger = read_ledger(report_run.PAPERS)
    rows = judge(ledger, run, TABLES)
    rows = rows[rows["direction"].notna()]
    tested = rows["verdict"] != NOT_TESTED
    assert set(rows.loc[tested, "suite"]) == {"cheetah-vel", "reach"}
    assert {"cheetah-dir", "ant-dir", "hopper", AVERAGE} <= set(rows.loc[~tested, "suite"])
    assert set(judged(run, "soft-prompt", "prompt-dt")["verdict"]) == {NOT_TESTED}
    literal = judged(run, "ptdt-offline-literal", "prompt-dt")
    assert literal.loc["reach", "verdict"] == NOT_TESTED  # it covers cheetah-vel only
    assert literal.loc["cheetah-vel", "verdict"] == INCONCLUSIVE


def test_claims_not_compared_and_contradictions_are_rows(run):
    ledger = read_ledger(report_run.PAPERS)
    rows = judge(ledger, run, TABLES).set_index("claim")
    assert rows.loc["pd-prompts-diverse", "verdict"] == NOT_JUDGED
    assert (rows["verdict"] == NOT_JUDGED).sum() == len(ledger.not_compared)
    found = rows.loc["mt-orl-average"]
    assert found["verdict"] == CONTRADICTION and found["says"].startswith("181.8")
    assert found["other_says"].startswith("45.5") and np.isnan(found["ours"])
    assert len(rows[rows["verdict"] == CONTRADICTION]) == len(ledger.contradictions)


def test_our_value_is_beside_a_contradiction(tmp_path):
    made = report_run.make_run(tmp_path)
    run = load_run(made.settings, made.evaluations, made.stores)
    ledger = read_ledger(report_run.PAPERS)
    rows = judge(ledger, run, TABLES)
    row = rows.set_index("claim").loc["mt-orl-average"]
    entry = run.entry("mt-orl")
    means = [scores.values.mean() for scores in run.scores(entry).values()]
    assert row["ours"] == pytest.approx(np.mean(means))
    text = claims_markdown(ledger, rows, run)
    line = next(li for li in text.splitlines() if li.startswith("| The average of MT-ORL"))
    assert "181.8, which is the sum" in line and f"{row['ours']:.1f} [" in line


def test_markdown_names_run_and_size(run):
    ledger = read_ledger(report_run.PAPERS)
    text = claims_markdown(ledger, judge(ledger, run, TABLES), run)
    size = "n = 3 seed(s), 3 evaluation episodes per task and seed"
    assert f"Run `invented`, {size}; test tasks: Cheetah-vel 5, MW reach 5;" in text
    for entry in (*ledger.claims, *ledger.not_compared, *ledger.contradictions):
        assert entry.statement in text


def test_markdown_counts_the_papers_claims_without_our_own(run):
    ledger = read_ledger(report_run.PAPERS)
    rows = judge(ledger, run, TABLES)
    lines = claims_markdown(ledger, rows, run).splitlines()
    at = lines.index(f"| {' | '.join(VERDICTS)} |")
    counts = [int(cell) for cell in lines[at + 2].strip("| ").split(" | ")]
    assert counts[-1] == len(ledger.not_compared)
    of_papers = rows[
        (rows["verdict"] != CONTRADICTION) & (rows["paper"] != THIS_REPOSITORY)
    ]
    assert sum(counts) == len(of_papers) < (rows["verdict"] != CONTRADICTION).sum()


def test_every_page_has_the_same_counts(run, tmp_path):
    """Counts in claims.md, and in summary.csv and the record's page, from claims.csv."""
    ledger = read_ledger(report_run.PAPERS)
    rows = judge(ledger, run, TABLES)
    lines = claims_markdown(ledger, rows, run).splitlines()
    heads = [n for n, line in enumerate(lines) if line == f"| {' | '.join(VERDICTS)} |"]
    counted = [lines[head + 2].strip("| ").split(" | ") for head in heads]
    made = tmp_path / "claims.csv"
    rows.to_csv(made, index=False)
    attributes = {name: "" for name in ("trajprompt", "commit")} | {"libraries": "{}"}
    config = {"run": "r", "suites": [], "seeds": [], "evaluate": {"episodes": 1}}
    lines = dict(summary(config, attributes, [made]))
    for text, counts in zip(map(lines.get, COUNTED.values()), counted, strict=True):
        pairs = zip(counts, VERDICTS, strict=True)
        assert text == ", ".join(f"{count} {name}" for count, name in pairs)
    assert counted[0] != counted[1] and sum(map(int, counted[1])) > 0


def test_a_note_is_printed_once_and_its_claims_refer_to_it(run):
    ledger = read_ledger(report_run.PAPERS)
    text = claims_markdown(ledger, judge(ledger, run, TABLES), run)
    noted = [claim for claim in ledger.claims if claim.note]
    assert {"pd-prompt-robust", "pd-both-robust"} <= {claim.id for claim in noted}
    assert len({claim.note for claim in noted}) >= 2
    for claim in noted:
        assert text.count(claim.note) == 1
        number = re.search(r"^(\[\d+\]) " + re.escape(claim.note), text, re.M)
        assert number is not None
        start = f"| {claim.statement} ({claim.place}) "
        row = next(line for line in text.splitlines() if line.startswith(start))
        assert row.startswith(f"{start}{number[1]} |")


def test_shipped_claims_agree_with_the_published_tables():
    for claim in read_ledger(report_run.PAPERS).claims:
        for suite, printed in claim.published.items():
            if printed is None:  # from a figure; no table has the values
                entries = {name for side in claim.sides for name in side if name}
                known = TABLES.get(claim.table, Published([]))
                assert not all(known.get(suite, name) for name in entries), claim.id
                continue
            sides = [_printed(claim.table, suite, *side) for side in claim.sides]
            assert printed["first"] == pytest.approx(sides[0][0], abs=0.006), claim.id
            assert printed["second"] == pytest.approx(sides[1][0], abs=0.006), claim.id
            difference = sides[0][0] - sides[1][0]
            assert printed["difference"] == pytest.approx(difference, abs=0.006)
            spreads = [side[1] for side in sides if not np.isnan(side[1])]
            spread = max(spreads, default=np.nan)
            if np.isnan(spread):
                assert printed["spread"] is None and printed["exceeds_spread"] is None
                continue
            assert printed["spread"] == spread
            exceeds = round(abs(difference), 6) > spread
            assert printed["exceeds_spread"] == exceeds, claim.id


def _printed(table: str, suite: str, entry: str, minus: str | None) -> tuple[float, float]:
    """Printed mean and spread of a side of a claim; NaN for a spread not printed."""
    if minus is not None:
        one, other = (_printed(table, suite, name, None) for name in (entry, minus))
        return one[0] - other[0], max(one[1], other[1])
    published = TABLES[table]
    if suite == AVERAGE:
        mean = published.average(published.suites(entry), entry)
        assert mean is not None
        return mean, np.nan
    cell = published.get(suite, entry)
    assert cell is not None, (table, suite, entry)
    return cell.mean, cell.spread


def test_claims_name_entries_of_the_config():
    """Except the claims about D4RL, which has no suite here."""
    known = {*load_config([CONFIG])["entries"], EXPERT_DATA}
    for claim in read_ledger(report_run.PAPERS).claims:
        named = {name for side in claim.sides for name in side if name}
        assert named <= known or claim.table == "ptdt_table2", claim.id


def test_damaged_claims_are_refused(tmp_path):
    paper = report_run.PAPERS / "ptdt"
    valid = yaml.safe_load((paper / "claims.yaml").read_text())
    entry, folder = valid["claims"][0], tmp_path / "ptdt"
    folder.mkdir()
    shutil.copy(paper / "paper.yaml", folder)
    incomplete = {"contradictions": [{"id": "x"}]}
    for damaged, message in (
        ({"claims": [entry | {"direction": "bigger"}]}, "bigger"),
        ({"claims": [entry | {"margn": 1}]}, "margn"),
        ({"claims": [entry | {"margin": -1.0}]}, "margin"),
        ({"claims": [entry | {"minus": ["prompt-dt"]}]}, "two entries"),
        ({"claims": [entry | {"published": {"reach": {"first": 1}}}]}, "exceeds_spread"),
        ({"claims": [entry | {"paper": 7}]}, "text"),
        ({"claims": [entry, entry]}, "each id once"),
        ({"claim": [entry]}, "only lists named claims, not_compared, contradictions"),
        ({"claims": entry}, "a list"),
        (incomplete, "statement"),
    ):
        (folder / "claims.yaml").write_text(yaml.safe_dump({**valid, **damaged}))
        with pytest.raises(TrajpromptError, match=message):
            read_ledger(tmp_path)
