"""Verdicts that come before the interval's, curves, and what the papers predict."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.multitest import multipletests

from support import report_run
from trajprompt.report.numbers.claims import Claim, Ledger
from trajprompt.report.numbers.contrasts import rise, still_rises
from trajprompt.report.numbers.findings import read_findings
from trajprompt.report.numbers.judge import judge
from trajprompt.report.numbers.plan import Plan, contrast
from trajprompt.report.numbers.printed import prediction_interval, ratio
from trajprompt.report.numbers.statistics import estimate
from trajprompt.report.numbers.verdicts import (
    CONTRADICTED,
    NOT_AT_THIS_SIZE,
    NOT_TESTED,
    REPRODUCED,
)
from trajprompt.report.read.papers import printed_files
from trajprompt.report.read.published import Published
from trajprompt.report.read.run import load_run

TABLE = Published([report_run.MAIN_TABLE])
PLAN = Plan({"reach": 0.1})
FIGURES = {"first": 472.5, "second": 469.8, "difference": 2.7}
FIGURES |= {"spread": 29.9, "exceeds_spread": False}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    made = report_run.make_run(tmp_path_factory.mktemp("run"), ("reach",))
    return load_run(made.settings, made.evaluations, made.stores)


def claim(first, second, direction="greater", printed=None):
    texts = ("c", "paper", "place", "ptdt_table1", "text", first, second, direction)
    return Claim(*texts, {"reach": printed})


def verdict(run, found, share):
    shares = SimpleNamespace(get=lambda suite, entry: share)
    tables = {"ptdt_table1": TABLE}
    return judge(Ledger([found], [], []), run, tables, PLAN, shares).iloc[0]


def test_not_at_this_size_needs_a_small_budget_and_a_rising_curve(run):
    """The curves of PTDT's methods rise; ft-full has none."""
    against = claim("ptdt-online", "data-expert")
    small = verdict(run, against, 0.2)
    assert small["verdict"] == NOT_AT_THIS_SIZE and small["first_share"] == 0.2
    assert "ptdt-online has 20% of the budget" in small["reason"]
    assert verdict(run, against, 0.3)["verdict"] == CONTRADICTED
    assert verdict(run, against, None)["verdict"] == CONTRADICTED
    assert verdict(run, claim("ft-full", "data-expert"), 0.2)["verdict"] == CONTRADICTED
    equal = claim("ptdt-online", "data-expert", "equivalent")
    assert verdict(run, equal, 0.2)["verdict"] == CONTRADICTED


def test_not_at_this_size_also_holds_for_the_side_that_loses(run):
    for_it = claim("data-expert", "ptdt-online")
    small = verdict(run, for_it, 0.2)
    assert small["verdict"] == NOT_AT_THIS_SIZE and "ptdt-online has 20%" in small["reason"]
    assert verdict(run, for_it, 0.3)["verdict"] == REPRODUCED


def test_an_untuned_policy_without_a_curve_may_rise_unless_the_backbone_is_shared(run):
    """Whichever side the interval is against."""
    behind, ahead = claim("mt-orl", "prompt-dt"), claim("prompt-dt", "mt-orl")
    for found in (behind, ahead):
        small = verdict(run, found, 0.015)
        assert small["verdict"] == NOT_AT_THIS_SIZE
        assert "mt-orl has 1.5% of the budget, and no curve" in small["reason"]
    assert verdict(run, behind, 0.3)["verdict"] == CONTRADICTED
    entries = tuple(replace(entry, backbone="one") for entry in run.entries)
    shared = verdict(replace(run, entries=entries), ahead, 0.015)
    assert shared["verdict"] == REPRODUCED
    assert shared["first_share"] is None and shared["second_share"] is None
    tuned = claim("ptdt-online", "prompt-dt")
    row = verdict(replace(run, entries=entries), tuned, 0.2)
    assert row["first_share"] == 0.2 and np.isnan(float(row["second_share"] or "nan"))


def test_a_level_curve_of_an_offline_algorithm_contradicts_nothing_at_a_small_share(run):
    """Its curve may rise later. What it loses to stands."""
    points = [(step, seed, 5.0) for step in (100, 200, 300) for seed in run.seeds]
    curve = pd.DataFrame(points, columns=["step", "seed", "score"])
    backbone = run.entry("mt-orl").backbone
    learned = replace(run, learning={("reach", backbone): curve})
    behind, ahead = claim("mt-orl", "prompt-dt"), claim("prompt-dt", "mt-orl")
    small = verdict(learned, behind, 0.015)
    assert small["verdict"] == NOT_AT_THIS_SIZE
    assert small["reason"].startswith("contradicted by its interval; mt-orl has 1.5%")
    assert small["reason"].endswith("curves of offline algorithms may rise later")
    assert verdict(learned, behind, 0.3)["verdict"] == CONTRADICTED
    assert verdict(learned, ahead, 0.015)["verdict"] == REPRODUCED


def test_primary_contrasts_of_a_part_are_one_family_over_papers(run):
    """Three contrasts of three papers; the others of a part are a family per paper."""
    pairs = (("prompt-dt", "mt-orl"), ("ft-full", "mt-orl"), ("ptdt-offline", "prompt-dt"))
    texts = ("place", "ptdt_table1", "text")
    claims = [
        Claim(f"c{n}", f"paper {n}", *texts, *pair, "greater", {"reach": None})
        for n, pair in enumerate(pairs)
    ]
    primary = frozenset(contrast(found, "reach") for found in claims)
    shares, part = SimpleNamespace(get=lambda suite, entry: None), {"reach": "one"}
    plans = (
        Plan({"reach": 0.1}, primary),
        Plan({"reach": 0.1}, parts=part),
        Plan({"reach": 0.1}, primary, parts=part),
    )
    *apart, together = (
        judge(Ledger(claims, [], []), run, {"ptdt_table1": TABLE}, plan, shares)
        for plan in plans
    )
    for table in apart:
        assert list(table["q"]) == pytest.approx(list(table["p"]))
    _, q, _, _ = multipletests(together["p"], 0.05, "holm")
    assert list(together["q"]) == pytest.approx(list(q))
    assert min(together["q"]) > 2 * min(together["p"])


def test_rise_is_the_slope_of_the_last_third(run):
    """The curve of an invented method rises by its gain × iteration / 20; noise adds."""
    found = rise("ptdt-online", "reach", run)
    entry, rises = run.entry("ptdt-online"), []
    for seed in run.seeds:
        rows = run.evaluations.rows("reach", entry, seed).query("checkpoint == 'curve'")
        means = rows.groupby("iteration")["return"].mean()
        rises.append(means[20] - means[15])  # the points after 2 / 3 of 20 iterations
    assert found.mean == pytest.approx(np.mean(rises))
    assert found.spread == pytest.approx(np.std(rises, ddof=1))
    assert rise("ft-full", "reach", run) is None and not still_rises(None, 0.1)


@pytest.mark.parametrize(
    "values, delta, expected",
    [([2, 3, 4], 1, True), ([2, 3, 4], 3.1, False), ([-2, 0, 2.5], 0.1, False)],
)
def test_a_curve_rises_if_its_rise_exceeds_its_error_and_delta(values, delta, expected):
    assert still_rises(estimate([np.array([values])]), delta) == expected


def test_prediction_interval_covers_the_papers_own_repetitions():
    """For equal spreads and numbers of seeds; 4,000 papers and repetitions."""
    generator = np.random.default_rng(0)
    original, again = generator.normal(size=(2, 4000, 2, 3))
    covered = []
    for one, other in zip(original, again, strict=True):
        cells = {("reach", "ab"[i]): _cell(one[i]) for i in (0, 1)}
        printed = SimpleNamespace(get=lambda *key, cells=cells: cells.get(key))
        middle = one[0].mean() - one[1].mean()
        made = claim("a", "b", printed=FIGURES | {"difference": middle})
        low, high = prediction_interval(made, "reach", printed, 3)
        covered.append(low <= other[0].mean() - other[1].mean() <= high)
    assert 0.94 < np.mean(covered) < 0.985  # Welch's degrees of freedom are conservative


def _cell(values):
    return SimpleNamespace(spread=values.std(ddof=1), seeds=len(values))


def test_the_papers_values_are_beside_ours(run):
    row = verdict(run, claim("ptdt-offline", "prompt-dt", printed=FIGURES), None)
    assert row["ratio"] == pytest.approx(row["difference"] / 2.7)
    assert row["predicted_low"] < 2.7 < row["predicted_high"]
    inside = row["predicted_low"] <= row["difference"] <= row["predicted_high"]
    assert row["as_predicted"] == ("yes" if inside else "no")
    other = claim("bandit", "pdt", printed=FIGURES)
    nothing = prediction_interval(other, "reach", TABLE, 3)
    assert np.isnan(nothing).all()  # not printed there
    assert np.isnan(ratio(1.0, 0.0)) and np.isnan(ratio(1.0, None))


def test_the_papers_effects_on_d4rl_predict_nothing_of_ours(tmp_path):
    """They are those of other data; the printed values are shown."""
    made = report_run.make_run(tmp_path, ("hopper-medium",))
    run = load_run(made.settings, made.evaluations, made.stores)
    texts = ("c", "p", "Table 2", "ptdt_table2", "text", "prompt-dt-ft", "prompt-dt")
    found = Claim(*texts, "greater", {"hopper-medium": FIGURES})
    tables = {"ptdt_table2": Published(printed_files(report_run.PAPERS, "ptdt_table2.csv"))}
    low, high = prediction_interval(found, "hopper-medium", tables["ptdt_table2"], 3)
    assert low < 2.7 < high  # could be given
    plan, none = (
        Plan({"hopper-medium": 0.1}),
        SimpleNamespace(get=lambda suite, entry: None),
    )
    row = judge(Ledger([found], [], []), run, tables, plan, none).iloc[0]
    assert row["difference"] > 0 and row["published_difference"] == 2.7
    assert not {"ratio", "predicted_low", "as_predicted"} & set(row.dropna().index)


def test_a_run_that_tests_no_claim_has_all_columns(run, tmp_path):
    """Its opening and headline are made from this table, too."""
    row = verdict(run, claim("no-such-entry", "data-expert", printed=FIGURES), None)
    assert row["verdict"] == NOT_TESTED and np.isnan(row["difference"])
    row.to_frame().T.assign(primary=False).to_csv(tmp_path / "claims.csv")
    assert read_findings(tmp_path / "claims.csv").empty
