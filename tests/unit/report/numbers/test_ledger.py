"""The shipped ledger: each contrast once, and what can't be judged has a reason."""

from collections import Counter

import pytest
import yaml

from support import report_run
from support.paths import CONFIG, ROOT
from trajprompt.config import derive
from trajprompt.config.load import load_config
from trajprompt.errors import TrajpromptError
from trajprompt.report.numbers.cell_table import EXPERT_DATA
from trajprompt.report.numbers.claims import Claim, read_ledger
from trajprompt.report.read.published import AVERAGE, Published
from trajprompt.tasks.registry import SUITE_NAMES, get_suite
from trajprompt.tuning.methods.ptdt_online import OnlineOptions
from trajprompt.tuning.registry import get_method
from trajprompt.tuning.search.loop import SearchOptions

CLAIMS = read_ledger(report_run.PAPERS).claims
TABLES = {path.stem: Published([path]) for path in report_run.TABLES}
CONFIGURED = load_config([CONFIG, ROOT / "presets/paper.yaml"])  # all cells
TEXTS = ("c", "arXiv 2305.09648", "place", "table", "text", "a", "b", "greater")


def entries_of(claim: Claim) -> set[str]:
    return {name for side in claim.sides for name in side if name}


def searches(entry: str) -> bool:
    """True if the entry's method chooses prompts by the returns of episodes."""
    if entry == EXPERT_DATA:
        return False
    method = CONFIGURED["entries"][entry]["method"]
    options = get_method(CONFIGURED["methods"][method]["kind"]).options
    return issubclass(options, SearchOptions | OnlineOptions)


def test_a_contrast_is_in_one_claim_only():
    """Also not in another one with its sides, or what is subtracted, exchanged."""
    contrasts = Counter(
        (suite, claim.direction, *sorted([claim.sides[0], claim.sides[1]], key=str))
        if claim.direction == "equivalent"
        else (suite, claim.direction, *claim.sides)
        for claim in CLAIMS
        for suite in claim.published
    )
    assert [contrast for contrast, count in contrasts.items() if count > 1] == []


def test_the_opposite_of_a_claim_is_not_claimed():
    claimed = {
        (suite, *claim.sides)
        for claim in CLAIMS
        for suite in claim.published
        if claim.direction == "greater"
    }
    assert not {(suite, one, two) for suite, two, one in claimed} & claimed


def test_search_on_equal_resets_is_not_judged():
    """The episode that such a search looked at is the evaluated one."""
    found = 0
    for claim in CLAIMS:
        for suite in set(claim.published) & set(SUITE_NAMES):
            if get_suite(suite).deterministic_resets and any(
                searches(entry) for entry in entries_of(claim)
            ):
                assert claim.reason_not_judged(suite), (claim.id, suite)
                found += 1
    assert found >= 15
    assert searches("ptdt-online") and searches("bandit-2x2")
    assert not searches("ptdt-offline") and not searches("prompt-dt")


def test_what_the_sparse_tasks_were_fitted_to_is_not_judged():
    """The returns of untuned prompts, and of the expert."""
    fitted = [
        claim
        for claim in CLAIMS
        if "point-sparse" in claim.published
        and all(name == EXPERT_DATA or name.startswith("pdt") for name in entries_of(claim))
    ]
    assert len(fitted) == 5
    assert all("fitted" in claim.reason_not_judged("point-sparse") for claim in fitted)


def test_equal_data_is_not_judged_between_methods_without_a_common_measure():
    """Claims about D4RL included."""
    others = {"prompt-dt-ft", "ptdt-offline"}
    for claim in CLAIMS:
        if claim.direction != "greater" and "ptdt-online" in entries_of(claim):
            assert entries_of(claim) & others
            reasons = map(claim.reason_not_judged, claim.published)
            assert all("measure" in reason for reason in reasons)


def test_best_averages_are_also_compared_with_the_untuned_prompt():
    best = {"ptdt-offline": "ptdt_table1", "prompt-diffuser": "pd_table1"}
    for entry, table in best.items():
        rivals = {
            claim.second
            for claim in CLAIMS
            if (claim.first, claim.table) == (entry, table)
            and AVERAGE in claim.published
            and not claim.minus
        }
        assert "prompt-dt" in rivals and len(rivals) == 5


@pytest.mark.parametrize(
    "not_judged, suite, reason",
    [
        ("", "reach", ""),
        ("fitted", "reach", "fitted"),
        ({"reach": "equal resets"}, "reach", "equal resets"),
        ({"reach": "equal resets"}, "ant-dir", ""),
    ],
)
def test_reasons(not_judged, suite, reason):
    published = {"reach": None, "ant-dir": None}
    claim = Claim(*TEXTS, published, not_judged=not_judged)
    assert claim.reason_not_judged(suite) == reason


@pytest.mark.parametrize(
    "not_judged", [7, [], {"pick-place": "a reason"}, {"reach": 1}, {"reach": ""}]
)
def test_reasons_without_a_suite_or_text_are_refused(tmp_path, not_judged):
    paper = report_run.PAPERS / "ptdt"
    folder = tmp_path / "ptdt"
    folder.mkdir()
    (folder / "paper.yaml").write_text((paper / "paper.yaml").read_text())
    claim = yaml.safe_load((paper / "claims.yaml").read_text())["claims"][0]
    damaged = {"claims": [claim | {"not_judged": not_judged}]}
    (folder / "claims.yaml").write_text(yaml.safe_dump(damaged))
    with pytest.raises(TrajpromptError, match=f"{claim['id']}: not_judged"):
        read_ledger(tmp_path)


def test_the_papers_size_has_the_cells_of_every_claim():
    shown = {entry["id"]: entry["suites"] for entry in derive.report(CONFIGURED).entries}
    lacking = [
        (claim.id, entry, suite)
        for claim in CLAIMS
        for suite in set(claim.published) & set(SUITE_NAMES)
        for entry in entries_of(claim) - {EXPERT_DATA}
        if suite not in shown[entry]
    ]
    assert lacking == []
    assert all(set(claim.published) <= {*SUITE_NAMES, AVERAGE} for claim in CLAIMS)


def test_cells_beside_contradictions_are_in_the_config():
    for found in read_ledger(report_run.PAPERS).contradictions:
        if not found.entry:
            assert not found.table and not found.suite, found.id
            continue
        assert found.entry in CONFIGURED["entries"], found.id
        table = CONFIGURED["tables"][found.table]
        assert found.suite in [*table["suites"], AVERAGE], found.id
        assert found.entry in table["entries"], found.id


def test_raw_scores_on_d4rl_are_those_of_table_2():
    """PTDT Table 9 is Table 2 without the normalisation of Table 8."""
    scores, norms, raw = (TABLES[f"ptdt_table{number}"] for number in (2, 8, 9))
    for entry in raw.entries():
        for suite in raw.suites(entry):
            low, high = norms.get(suite, "random-policy"), norms.get(suite, "gamer")
            score, printed = scores.get(suite, entry), raw.get(suite, entry)
            assert low and high and score and printed
            computed = low.mean + score.mean / 100 * (high.mean - low.mean)
            assert printed.mean == pytest.approx(computed, abs=0.06)
    assert len(raw.entries()) == 6 and len(raw.suites()) == 3


def test_printed_norms_are_those_of_the_suites_rounded():
    """PTDT Table 8, whose figures have one decimal."""
    printed = TABLES["ptdt_table8"]
    for name in printed.suites():
        ends = [printed.get(name, entry) for entry in ("random-policy", "gamer")]
        found = get_suite(name).score_range
        assert found == pytest.approx([cell.mean for cell in ends if cell], abs=0.05)
    assert len(printed.suites()) == 3
