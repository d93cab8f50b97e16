"""The plan of the analysis: the shipped one, and errors."""

import shutil
from collections import Counter

import pytest
import yaml

from support import report_run
from trajprompt.errors import TrajpromptError
from trajprompt.report.numbers.claims import read_ledger
from trajprompt.report.numbers.plan import PLAN, contrast, plan_record, read_plan
from trajprompt.report.read.papers import printed_files
from trajprompt.report.read.published import Published
from trajprompt.tasks.registry import SUITE_NAMES, get_suite

LEDGER = read_ledger(report_run.PAPERS)
TUNED = ("prompt-dt-ft", "ptdt-offline", "ptdt-online")
D4RL = ("halfcheetah-medium", "hopper-medium", "walker2d-medium")
SEARCHES = ("bandit", "bandit-psi", "hill-climbing", "zo-rank")
# suite -> table, untuned entry, tuned entries
SOURCES = {
    **dict.fromkeys(report_run.PRINTED, ("ptdt_table1", "prompt-dt", TUNED)),
    **dict.fromkeys(D4RL, ("ptdt_table2", "prompt-dt", TUNED)),
    "ant-dir-ood": ("pd_table9", "prompt-dt", ("ptdt-offline", "prompt-diffuser")),
    "pick-place": ("bandits_table_id", "pdt", SEARCHES),
}


def _own_delta(papers):
    """The δ of reach, with those of ``papers``."""
    return {"reach": {"value": 2.2, "reason": "none", "papers": papers}}


@pytest.fixture
def papers(tmp_path):
    """A copy of the papers, whose plan may be damaged."""
    return shutil.copytree(report_run.PAPERS, tmp_path / "papers")


@pytest.mark.parametrize("suite", SOURCES)
def test_deltas_are_half_of_the_mean_printed_gain(suite):
    table, untuned, tuned = SOURCES[suite]
    printed = Published(printed_files(report_run.PAPERS, f"{table}.csv"))
    level = printed.get(suite, untuned).mean
    gains = [printed.get(suite, name).mean - level for name in tuned]
    claim = next(c for c in LEDGER.claims if (c.table, c.second) == (table, untuned))
    delta = read_plan(report_run.PAPERS, LEDGER).delta(claim, suite)
    assert delta == pytest.approx(sum(gains) / len(gains) / 2, rel=0.05)


@pytest.mark.parametrize("suite", D4RL)
def test_only_the_claims_of_ptdt_have_its_delta(suite):
    plan = read_plan(report_run.PAPERS, LEDGER)
    by_paper = {
        claim.paper: plan.delta(claim, suite)
        for claim in LEDGER.claims
        if suite in claim.published
    }
    assert by_paper.pop("arXiv 2305.09648") < 1
    assert by_paper == {"arXiv 2211.08016": 2.0}
    assert plan.deltas[suite] == plan.deltas[f"{suite}-replay"] == 2.0


def test_the_average_has_the_mean_share_of_the_printed_gaps():
    plan = read_plan(report_run.PAPERS, LEDGER)
    printed = Published(printed_files(report_run.PAPERS, "ptdt_table1.csv"))
    shares = []
    for suite in report_run.PRINTED:
        top, bottom = (printed.get(suite, n).mean for n in ("prompt-dt", "mt-orl"))
        shares.append(plan.deltas[suite] / (top - bottom))
    assert plan.deltas["average"] == pytest.approx(sum(shares) / 4, rel=0.1)


def test_the_shipped_plan():
    plan = read_plan(report_run.PAPERS, LEDGER)
    assert plan.alpha == 0.05
    families = Counter(map(plan.family, plan.primary))
    assert families == {
        ("", "arXiv 2305.09648", True): 7,
        ("", "arXiv 2411.01168", True): 5,
        ("", "arXiv 2502.04979", True): 3,
        ("offline", "", True): 9,
    }
    claims = {claim.id: claim for claim in LEDGER.claims}
    assert plan.is_primary(claims["ptdt-offline-helps"], "ant-dir")
    assert not plan.is_primary(claims["ptdt-offline-helps"], "reach")
    assert set(plan.reasons) == set(plan.deltas) and all(plan.reasons.values())


def test_the_offline_part_has_all_suites_of_d4rl_and_families_of_its_own():
    plan = read_plan(report_run.PAPERS, LEDGER)
    claimed = {suite for claim in LEDGER.claims for suite in claim.published}
    d4rl = {name for name in claimed & set(SUITE_NAMES) if get_suite(name).environment}
    assert set(plan.parts) == d4rl and set(plan.parts.values()) == {"offline"}
    claims = {claim.id: claim for claim in LEDGER.claims}
    families = {
        (name, suite): plan.family(contrast(claims[name], suite))
        for name, suite in (
            ("ptdt-d4rl-offline-helps", "hopper-medium"),
            ("own-bc-10-beats-bc", "hopper-medium-expert"),
            ("ptdt-d4rl-finetuning-helps", "hopper-medium"),
            ("ptdt-finetuning-helps", "reach"),
        )
    }
    assert list(families.values()) == [
        ("offline", "", True),
        ("offline", "", True),
        ("offline", "arXiv 2305.09648", False),
        ("", "arXiv 2305.09648", False),
    ]


def test_the_record_changes_with_every_byte(papers):
    before = plan_record(papers)
    assert before["primary"]["bandits"]["bandits-beats-pdt"] == ["cheetah-vel"]
    assert "hopper-medium" in before["parts"]["offline"]
    (papers / PLAN).write_text((papers / PLAN).read_text() + "\n")
    after = plan_record(papers)
    assert after["primary"] == before["primary"] and after["sha256"] != before["sha256"]
    assert len(after["sha256"]) == 64


@pytest.mark.parametrize(
    "key, value, message",
    [
        ("alpha", 5, "alpha: found 5; expected a number like 0.05"),
        ("deltas", [], "deltas"),
        ("deltas", {}, "no δ of halfcheetah-medium-expert"),
        ("deltas", {"reach": {"value": 0, "reason": "none"}}, "deltas.reach"),
        ("deltas", {"reach": {"value": 1.0}}, "value, a number above 0, and reason"),
        ("deltas", _own_delta({"other": {"value": 1, "reason": "none"}}), "found 'other'"),
        ("deltas", _own_delta({"ptdt": {"value": 1.0}}), "papers.ptdt: found"),
        ("deltas", _own_delta({"cmt": {"value": 1, "reason": "none"}}), "found 'cmt'"),
        ("deltas", _own_delta("ptdt"), "reach.papers: found 'ptdt'; expected a mapping"),
        ("parts", ["reach"], "parts: found"),
        ("parts", {"one": "reach"}, "parts.one: found 'reach'; expected suites with a δ"),
        ("parts", {"one": ["mars"]}, "parts.one: found 'mars'"),
        ("parts", {"one": ["reach"], "two": ["reach"]}, "parts.two: found 'reach'"),
        ("primary", {"other": {}}, "found 'other'; expected a folder among cmt, ptdt"),
        ("primary", {"ptdt": {"ptdt-helps": ["reach"]}}, "claim 'ptdt-helps'"),
        ("primary", {"ptdt": {"pd-beats-ptdt": ["reach"]}}, "claims.yaml"),
        ("primary", {"ptdt": {"ptdt-offline-helps": "reach"}}, "a list of suites"),
        ("primary", {"ptdt": {"ptdt-offline-helps": ["mars"]}}, "found suite 'mars'"),
        ("primary", {"ptdt": {"ptdt-offline-helps": ["reach"] * 2}}, "already listed"),
        ("secondary", {}, "the keys alpha, deltas, parts, primary"),
    ],
)
def test_wrong_plans_are_refused(key, value, message, papers):
    plan = yaml.safe_load((papers / PLAN).read_text())
    (papers / PLAN).write_text(yaml.safe_dump(plan | {key: value}))
    with pytest.raises(TrajpromptError, match=message):
        read_plan(papers, LEDGER)


def test_a_missing_plan_is_an_error(papers):
    (papers / PLAN).unlink()
    with pytest.raises(TrajpromptError, match=PLAN):
        read_plan(papers, LEDGER)
