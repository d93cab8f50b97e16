"""Verdicts of a run, their sign conventions, and the shipped claims."""

import re
import shutil

import numpy as np
import pytest
import yaml
from scipy import stats

from support import report_run
from support.paths import CONFIG
from trajprompt.config.load import load_config
from trajprompt.errors import TrajpromptError
from trajprompt.report.numbers.cell_table import EXPERT_DATA
from trajprompt.report.numbers.claims import Claim, Ledger, read_ledger
from trajprompt.report.numbers.judge import judge
from trajprompt.report.numbers.plan import Plan, read_plan
from trajprompt.report.numbers.verdicts import (
    CONTRADICTED,
    CONTRADICTION,
    NO,
    NO_DIFFERENCE,
    NO_HEADROOM,
    NOT_JUDGED,
    NOT_PRINTED,
    NOT_TESTED,
    REPRODUCED,
    TOO_NOISY,
    VERDICTS,
    WITHIN_DELTA,
    YES,
    count_verdicts,
)
from trajprompt.report.pages.claims_markdown import claims_markdown
from trajprompt.report.pages.summary import COUNTED, summary
from trajprompt.report.read.budgets import Shares
from trajprompt.report.read.papers import THIS_REPOSITORY
from trajprompt.report.read.published import AVERAGE, Published
from trajprompt.report.read.run import load_run

TABLES = {path.stem: Published([path]) for path in report_run.TABLES}
NAN = float("nan")


LEDGER = read_ledger(report_run.PAPERS)
PLAN = read_plan(report_run.PAPERS, LEDGER)
SHARES = Shares(report_run.PAPERS)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    made = report_run.make_run(tmp_path_factory.mktemp("run"), ("cheetah-vel", "reach"))
    return load_run(made.settings, made.evaluations, made.stores)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run with all suites of the papers' averages."""
    made = report_run.make_run(tmp_path_factory.mktemp("whole"))
    plays = {"random_policies": made.random_policies}
    return load_run(made.settings, made.evaluations, made.stores, **plays)


def judged(run, first, second, direction="greater", delta=1.0, minus=(), **more):
    """Verdict rows of one claim about two suites, indexed by suite."""
    published = {"cheetah-vel": None, "reach": None}
    texts = ("c", "paper", "place", "table", "text", first, second, direction)
    claim = Claim(*texts, published, minus, **more)
    plan = Plan({"cheetah-vel": delta, "reach": delta, "ant-dir": delta})
    return judge(Ledger([claim], [], []), run, TABLES, plan, SHARES).set_index("suite")


def test_less_negative_returns_are_greater(run):
    """Returns on cheetah-vel: about −66 with an expert prompt, −160 with a random one."""
    rows = judged(run, "prompt-dt", "prompt-dt-random")
    assert rows.loc["cheetah-vel", "verdict"] == REPRODUCED
    assert 80 < rows.loc["cheetah-vel", "difference"] < 110
    reverse = judged(run, "prompt-dt-random", "prompt-dt")
    assert list(reverse["verdict"]) == [CONTRADICTED, CONTRADICTED]


def test_delta_decides_claims_of_equality(run):
    rows = judged(run, "prompt-dt", "mt-orl", "equivalent", 10.0)
    assert set(rows["verdict"]) == {CONTRADICTED} and set(rows["delta"]) == {10.0}
    same = judged(run, "prompt-dt", "prompt-dt", "equivalent", 10.0)
    assert set(same["verdict"]) == {REPRODUCED}
    assert set(judged(run, "prompt-dt", "prompt-dt")["verdict"]) == {NO_DIFFERENCE}
    wide = judged(run, "prompt-dt", "mt-orl", "greater", 1e4)
    assert set(wide["verdict"]) == {NO_DIFFERENCE}


def test_values_of_a_row_are_those_of_scipy(run):
    row = judged(run, "prompt-dt", "mt-orl").loc["reach"]
    scores = [
        run.scores(run.entry(name))["reach"].values for name in ("prompt-dt", "mt-orl")
    ]
    test = stats.ttest_rel(scores[0].mean(axis=0), scores[1].mean(axis=0))
    interval = test.confidence_interval()
    assert (row["low_95"], row["high_95"]) == pytest.approx((interval.low, interval.high))
    assert row["p"] == pytest.approx(test.pvalue)
    assert (row["seeds"], row["tasks"], row["episodes"]) == (3, 5, 3)
    assert row["tasks_low"] < row["difference"] < row["tasks_high"]
    assert row["p"] <= row["q"] <= 2 * row["p"]


def test_intervals_are_at_the_level_of_their_family(run):
    """Two contrasts: both at 95 % if both are found, at 97.5 % if none is."""
    rows = judged(run, "prompt-dt", "mt-orl")
    assert list(rows["confidence"]) == pytest.approx([0.95, 0.95])
    assert set(rows["family"]) == {"Benjamini-Hochberg"}
    noisy = judged(run, "prompt-dt-ft", "ptdt-offline")
    assert list(noisy["confidence"]) == pytest.approx([0.975, 0.975])


def test_claims_with_a_reason_are_not_judged_and_in_no_family(run):
    rows = judged(run, "prompt-dt", "mt-orl", not_judged={"reach": "It was fitted."})
    assert list(rows["verdict"]) == [REPRODUCED, NOT_JUDGED]
    found = rows.loc["reach"]
    assert found["reason"] == "It was fitted." and found["difference"] > 0
    assert np.isnan(found["q"]) and rows.loc["cheetah-vel", "confidence"] == 0.95
    every = judged(run, "prompt-dt", "mt-orl", not_judged="Never.")
    assert set(every["verdict"]) == {NOT_JUDGED}
    assert count_verdicts(every.reset_index())[False][NOT_JUDGED] == 2


def test_no_headroom_if_the_untuned_prompt_is_as_good_as_the_data(tmp_path, monkeypatch):
    levels = report_run.LEVELS | {"reach": (110.0, 655.0, 650.0, 2.0)}
    monkeypatch.setattr(report_run, "LEVELS", levels)
    made = report_run.make_run(tmp_path, ("cheetah-vel", "reach"))
    run = load_run(made.settings, made.evaluations, made.stores)
    rows = judged(run, "ft-full", "prompt-dt")
    assert rows.loc["reach", "verdict"] == NO_HEADROOM
    assert "prompt-dt closes 99% of the gap" in rows.loc["reach", "reason"]
    assert rows.loc["cheetah-vel", "verdict"] != NO_HEADROOM
    tuned = judged(run, "ft-full", "prompt-dt-ft")
    assert NO_HEADROOM not in set(tuned["verdict"])
    untuned = judged(run, "mt-orl", "prompt-dt")  # no gain of tuning
    assert NO_HEADROOM not in set(untuned["verdict"])
    assert NO_HEADROOM not in set(
        judged(run, "ft-full", "prompt-dt", "at-least")["verdict"]
    )


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
    near = judged(run, "prompt-dt", EXPERT_DATA, "at-least", 300.0)
    assert set(near["verdict"]) == {REPRODUCED} and near["episodes"].min() == 3
    texts = ("c", "paper", "place", "table", "text", EXPERT_DATA, "prompt-dt", "greater")
    absent = Claim(*texts, {"ant-dir": None})
    rows = judge(Ledger([absent], [], []), run, TABLES, PLAN, SHARES)
    assert rows["verdict"][0] == NOT_TESTED


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
    rows = judge(ledger, run, TABLES, PLAN, SHARES)
    text = claims_markdown(ledger, rows, run, PLAN)
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
        *("best-of-n", "cma-es", "prompt-dt-ft", "soft-prompt", "bc"),
    }
    printed = {claim.first for claim in ours if any(claim.published.values())}
    assert printed == {"bc-10", "td3-bc", "rebrac"}  # CORL's figures


def test_claims_on_missing_cells_are_not_tested(run):
    ledger = read_ledger(report_run.PAPERS)
    rows = judge(ledger, run, TABLES, PLAN, SHARES)
    rows = rows[rows["direction"].notna()]
    rows = rows[rows["verdict"] != NOT_JUDGED]
    tested = rows["verdict"] != NOT_TESTED
    assert set(rows.loc[tested, "suite"]) == {"cheetah-vel", "reach"}
    others = {"cheetah-dir", "ant-dir", "hopper-medium", AVERAGE}
    assert others <= set(rows.loc[~tested, "suite"])
    assert set(judged(run, "soft-prompt", "prompt-dt")["verdict"]) == {NOT_TESTED}
    literal = judged(run, "ptdt-offline-literal", "prompt-dt", delta=1e-6)
    assert literal.loc["reach", "verdict"] == NOT_TESTED  # it covers cheetah-vel only
    assert literal.loc["cheetah-vel", "verdict"] == TOO_NOISY


def test_claims_not_compared_and_contradictions_are_rows(run):
    ledger = read_ledger(report_run.PAPERS)
    rows = judge(ledger, run, TABLES, PLAN, SHARES).set_index("claim")
    assert rows.loc["pd-prompts-diverse", "verdict"] == NOT_JUDGED
    compared = rows["direction"].notna()
    assert (rows["verdict"][~compared] == NOT_JUDGED).sum() == len(ledger.not_compared)
    found = rows.loc["mt-orl-average"]
    assert found["verdict"] == CONTRADICTION and found["says"].startswith("181.8")
    assert found["other_says"].startswith("45.5") and np.isnan(found["ours"])
    assert len(rows[rows["verdict"] == CONTRADICTION]) == len(ledger.contradictions)


def test_our_value_is_beside_a_contradiction(whole):
    ledger, run = read_ledger(report_run.PAPERS), whole
    rows = judge(ledger, run, TABLES, PLAN, SHARES)
    row = rows.set_index("claim").loc["mt-orl-average"]
    entry = run.entry("mt-orl")
    means = [scores.values.mean() for scores in run.scores(entry).values()]
    assert row["ours"] == pytest.approx(np.mean(means))
    text = claims_markdown(ledger, rows, run, PLAN)
    line = next(li for li in text.splitlines() if li.startswith("| The average of MT-ORL"))
    assert "181.8, which is the sum" in line and f"{row['ours']:.1f} [" in line


def test_markdown_names_run_and_size(run):
    ledger = read_ledger(report_run.PAPERS)
    rows = judge(ledger, run, TABLES, PLAN, SHARES)
    text = claims_markdown(ledger, rows, run, PLAN)
    size = "n = 3 seed(s), 3 evaluation episodes per task and seed"
    assert f"Run `invented`, {size}; test tasks: Cheetah-vel 5, MW reach 5;" in text
    for entry in (*ledger.claims, *ledger.not_compared, *ledger.contradictions):
        assert entry.statement in text


def test_markdown_counts_the_papers_claims_without_our_own(run):
    ledger = read_ledger(report_run.PAPERS)
    rows = judge(ledger, run, TABLES, PLAN, SHARES)
    lines = claims_markdown(ledger, rows, run, PLAN).splitlines()
    at = lines.index(f"| {' | '.join(VERDICTS)} |")
    counts = [int(cell) for cell in lines[at + 2].strip("| ").split(" | ")]
    assert counts[-1] >= len(ledger.not_compared)
    contrasts = {
        (claim.paper, suite, claim.direction, claim.first, claim.second, *claim.minus)
        for claim in ledger.claims
        for suite in claim.published
        if claim.paper != THIS_REPOSITORY
    }
    assert sum(counts) == len(contrasts) + len(ledger.not_compared)


def test_every_page_has_the_same_counts(run, tmp_path):
    """Counts in claims.md, and in summary.csv and the record's page, from claims.csv."""
    ledger = read_ledger(report_run.PAPERS)
    rows = judge(ledger, run, TABLES, PLAN, SHARES)
    lines = claims_markdown(ledger, rows, run, PLAN).splitlines()
    heads = [n for n, line in enumerate(lines) if line == f"| {' | '.join(VERDICTS)} |"]
    counted = [lines[head + 2].strip("| ").split(" | ") for head in heads]
    made = tmp_path / "claims.csv"
    rows.to_csv(made, index=False)
    attributes = {name: "" for name in ("trajprompt", "commit")} | {"libraries": "{}"}
    config = {"run": "r", "seeds": [], "evaluate": {"episodes": 1}}
    lines = dict(summary(config, [], attributes, [made]))
    for text, counts in zip(map(lines.get, COUNTED.values()), counted, strict=True):
        pairs = zip(counts, VERDICTS, strict=True)
        assert text == ", ".join(f"{count} {name}" for count, name in pairs)
    assert counted[0] != counted[1] and sum(map(int, counted[1])) > 0


def test_a_note_is_printed_once_and_its_claims_refer_to_it(run):
    ledger = read_ledger(report_run.PAPERS)
    rows = judge(ledger, run, TABLES, PLAN, SHARES)
    text = claims_markdown(ledger, rows, run, PLAN)
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
    known = {*load_config([CONFIG])["entries"], EXPERT_DATA}
    for claim in read_ledger(report_run.PAPERS).claims:
        named = {name for side in claim.sides for name in side if name}
        assert named <= known, claim.id


def test_damaged_claims_are_refused(tmp_path):
    paper = report_run.PAPERS / "ptdt"
    valid = yaml.safe_load((paper / "claims.yaml").read_text())
    entry, folder = valid["claims"][0], tmp_path / "ptdt"
    folder.mkdir()
    shutil.copy(paper / "paper.yaml", folder)
    incomplete = {"contradictions": [{"id": "x"}]}
    for damaged, message in (
        ({"claims": [entry | {"direction": "bigger"}]}, "bigger"),
        ({"claims": [entry | {"margin": 0.02}]}, "margin"),
        ({"claims": [entry | {"not_judged": 3}]}, "not_judged"),
        ({"claims": [entry | {"not_judged": {"mars": "far"}}]}, "mars"),
        ({"claims": [entry | {"not_judged": {"reach": ""}}]}, "not_judged"),
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


def test_support_of_the_shipped_claims(whole):
    rows = judge(LEDGER, whole, TABLES, PLAN, SHARES)
    keys = zip(rows["claim"], rows["suite"], strict=True)
    supports = dict(zip(keys, rows["published_supports"], strict=True))
    assert supports["ptdt-return-tokens-help", "ant-dir"] == NO  # printed: -6.6
    assert supports["ptdt-return-tokens-help", "cheetah-dir"] == YES
    assert supports["ptdt-beats-finetuning-32", "reach"] == NOT_PRINTED
    online = "ptdt-d4rl-online-matches-finetuning"
    assert supports[online, "halfcheetah-medium"] == NO  # -0.1
    assert supports["ptdt-offline-matches-finetuning", "cheetah-vel"] == YES
    lines = claims_markdown(LEDGER, rows, whole, PLAN).splitlines()
    line = next(li for li in lines if li.startswith("| Return-to-go tokens carry"))
    marked = [" †" in cell for cell in line.split(" | ")[2:]]
    assert [place for place, mark in enumerate(marked) if mark] == [2]  # ant-dir
    line = next(
        li for li in lines if li.startswith("| Tuning the prompt alone, by offline")
    )
    assert line.count(" ★") == 3
    assert WITHIN_DELTA in set(supports.values())


def test_averages_are_of_normalised_returns(whole):
    """Each task's difference as a share of its distance from random play to the expert."""
    rows = judge(LEDGER, whole, TABLES, PLAN, SHARES).set_index(["claim", "suite"])
    row = rows.loc[("ptdt-offline-best-average", AVERAGE)]
    first, second = (
        whole.scores(whole.entry(name)) for name in ("ptdt-offline", "prompt-dt-ft")
    )
    shares = [
        (first[suite].values - second[suite].values).mean(axis=0)
        / (report_run.LEVELS[suite][1] - report_run.RANDOM[suite])
        for suite in report_run.PRINTED
    ]
    assert row["difference"] == pytest.approx(np.mean(shares))
    errors = [share.var(ddof=1) / 3 for share in shares]
    freedom = 2 * sum(errors) ** 2 / sum(error**2 for error in errors)
    half = stats.t.isf(0.025, freedom) * np.sqrt(sum(errors)) / 4
    assert row["high_95"] - row["difference"] == pytest.approx(half)
    assert row["delta"] == PLAN.deltas[AVERAGE] and np.isnan(row["tasks_low"])
    assert "ratio" not in row or np.isnan(row["ratio"])
