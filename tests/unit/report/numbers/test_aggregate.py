"""Interquartile means, improvement probabilities and profiles against known values."""

import numpy as np
import pandas as pd
import pytest
from rliable import library, metrics
from scipy import stats

from support import report_run
from trajprompt.errors import TrajpromptError
from trajprompt.report.numbers.aggregate import (
    aggregate_table,
    blocks,
    improvement,
    improvement_table,
    interquartile_mean,
    normalised,
    profile,
    profile_table,
)
from trajprompt.report.pages.aggregate_markdown import aggregate_markdown
from trajprompt.report.read.run import load_run

GENERATOR = np.random.default_rng(0)


def load(made, settings=None, **files):
    given = {"random_policies": made.random_policies} | files
    return load_run(settings or made.settings, made.evaluations, made.stores, **given)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    made = report_run.make_run(tmp_path_factory.mktemp("run"), ("cheetah-vel", "reach"))
    return load(made, published=[report_run.MAIN_TABLE])


@pytest.fixture(scope="module")
def found(run):
    return normalised(run)


def test_interquartile_mean_of_one_suite_is_the_trimmed_mean():
    scores = GENERATOR.normal(size=(4, 3))
    expected = stats.trim_mean(scores.ravel(), 0.25)
    assert float(interquartile_mean([scores])) == pytest.approx(expected)


def test_values_are_those_of_rliable():
    """Of one suite; rliable has (seeds, tasks) and equal weights of all tasks."""
    first, second = GENERATOR.normal(size=(2, 4, 5)).round(1)  # with ties
    expected = metrics.aggregate_iqm(first.T)
    assert float(interquartile_mean([first])) == pytest.approx(expected)
    expected = metrics.probability_of_improvement(first.T, second.T)
    assert float(improvement([first], [second])) == pytest.approx(expected)
    expected = library.run_score_deviation(first.T, 0.3)
    assert float(profile([first], 0.3)) == pytest.approx(expected)


def test_suites_have_equal_weight_whatever_their_number_of_tasks():
    small, large = np.full((2, 3), 0.2), np.full((40, 3), 0.8)
    assert float(interquartile_mean([small, large])) == pytest.approx(0.5)
    twice = np.concatenate([large, large])
    scores = GENERATOR.normal(size=(5, 3))
    one, other = (float(interquartile_mean([scores, x])) for x in (large, twice))
    assert one == pytest.approx(other)


def test_outliers_do_not_change_the_interquartile_mean():
    scores = np.linspace(0, 1, 24).reshape(8, 3)
    wild = scores.copy()
    wild[0, 0], wild[-1, -1] = -1e9, 1e9
    assert float(interquartile_mean([wild])) == pytest.approx(
        float(interquartile_mean([scores]))
    )


def test_probability_of_improvement_is_mann_whitney():
    first, second = GENERATOR.normal(0.3, 1, (1, 9)), GENERATOR.normal(size=(1, 9))
    u = stats.mannwhitneyu(first[0], second[0]).statistic
    assert float(improvement([first], [second])) == pytest.approx(u / 81)
    assert float(improvement([first], [first])) == pytest.approx(0.5)
    assert float(improvement([first], [first - 100])) == 1.0


def test_profile_is_the_share_above_a_level():
    scores = [np.array([[0.1, 0.5], [0.7, 0.9]]), np.array([[1.0, 1.0]])]
    assert float(profile(scores, 0.5)) == pytest.approx((0.5 + 1.0) / 2)
    assert float(profile(scores, 2.0)) == 0.0 and float(profile(scores, -1.0)) == 1.0


def test_leading_axis_of_resamples_is_kept():
    draws = GENERATOR.normal(size=(7, 4, 3))
    means = interquartile_mean([draws])
    assert means.shape == (7,)
    assert list(means) == pytest.approx([float(interquartile_mean([d])) for d in draws])


def test_zero_is_random_actions_and_one_is_expert_data(run, found):
    assert found.suites == ("cheetah-vel", "reach") and found.left_out == 0
    entry = run.entry("prompt-dt")
    returns = run.scores(entry)["cheetah-vel"].values
    expected = (returns + 270) / (270 - 52)
    np.testing.assert_allclose(found.scores["prompt-dt"][0], expected)
    text = aggregate_markdown(blocks(run), run)
    assert "0 is the mean return of uniformly random actions" in text
    assert "| Cheetah-vel | -270.0 | -52.0 | 2 | 2 |\n| MW reach | 105.0 | 655.0 |" in text


def test_one_is_d4rls_expert_on_its_suites_and_has_no_episodes_of_the_data(tmp_path):
    run = load(report_run.make_run(tmp_path, ("hopper-medium",)))
    text = aggregate_markdown(blocks(run), run)
    assert "| expert data, or D4RL's 100 (1) |" in text
    (line,) = [line for line in text.splitlines() if line.startswith("| Hopper medium ")]
    assert line.endswith("| 100.0 | 2 | – |")


def test_only_methods_evaluated_in_all_suites_are_compared(found):
    names = {entry.id for entry in found.entries}
    assert "ptdt-offline-literal" not in names and "ptdt-online" in names


def test_tables_are_ordered_and_complete(run, found):
    means = aggregate_table(run, found).set_index("column")
    assert means.loc["prompt-dt", "value"] > means.loc["mt-orl", "value"]
    for _, row in means.iterrows():
        assert row["low"] <= row["value"] <= row["high"] and row["seeds"] == 3
    beats = improvement_table(run, found).set_index(["first", "second"])
    count = len(found.entries)
    assert len(beats) == count * (count - 1)
    forward, backward = (
        beats.loc[pair] for pair in (("prompt-dt", "mt-orl"), ("mt-orl", "prompt-dt"))
    )
    assert forward["value"] == 1.0 and backward["value"] == 0.0
    assert forward["low"] + backward["high"] == pytest.approx(1.0)
    shares = profile_table(run, found)
    for _, rows in shares.groupby("column"):
        assert rows["value"].is_monotonic_decreasing


def test_second_block_compares_all_methods_of_one_suite(run):
    over_all, alone = blocks(run)
    assert over_all.found.suites == ("cheetah-vel", "reach")
    assert alone.found.suites == ("cheetah-vel",)
    names = {entry.id for entry in alone.found.entries}
    added = names - {entry.id for entry in over_all.found.entries}
    assert added == {"ptdt-offline-literal"}
    assert set(alone.means["suites"]) == set(alone.beats["suites"]) == {"cheetah-vel"}
    text = aggregate_markdown([over_all, alone], run)
    first, second = text.split("## Cheetah-vel alone")
    assert "## Cheetah-vel, MW reach\n\n8 methods; 0 task(s)" in first
    assert (
        "| PTDT-OFFLINE-LITERAL | Cheetah-vel |" in first
    )  # in the table of methods left out
    assert first.count("PTDT-OFFLINE-LITERAL") == 1
    assert "9 methods;" in second and "| PTDT-OFFLINE-LITERAL | 0." in second


def test_one_block_if_all_methods_are_evaluated_everywhere(tmp_path):
    made = report_run.make_run(tmp_path, ("reach",))
    entries = [c for c in made.settings.entries if c["id"] != "ptdt-offline-literal"]
    settings = report_run.with_entries(made.settings, entries)
    run = load(made, settings)
    (only,) = blocks(run)
    text = aggregate_markdown([only], run)
    assert "left out |" not in text and "alone" not in text


def test_without_a_method_in_all_suites_the_widest_is_used(tmp_path):
    made = report_run.make_run(tmp_path, ("cheetah-vel", "reach"))
    entries = [
        {**made.settings.entries[0], "suites": ["reach"]},
        {**made.settings.entries[3], "suites": ["cheetah-vel"]},
    ]
    settings = report_run.with_entries(made.settings, entries)
    found = normalised(load(made, settings))
    assert found.suites == ("reach",)
    assert [entry.id for entry in found.entries] == ["prompt-dt"]


def test_tasks_without_a_gap_to_random_actions_are_left_out(tmp_path, monkeypatch):
    monkeypatch.setitem(report_run.LEVELS, "reach", (80.0, 90.0, 95.0, 1.0))
    made = report_run.make_run(tmp_path, ("reach",))
    run = load(made)
    found = normalised(run)
    assert found.suites == () and found.left_out == 5
    assert aggregate_table(run, found)["value"].isna().all()


def test_missing_random_play_is_an_error(tmp_path):
    made = report_run.make_run(tmp_path, ("cheetah-vel", "reach"))
    run = load(made, random_policies=made.random_policies[:1])
    with pytest.raises(
        TrajpromptError, match="a file of reach.*run `trajprompt random-pol"
    ):
        normalised(run)
    short = made.random_policies[1]
    rows = pd.read_csv(short)
    rows[rows["task"] != 15].to_csv(short, index=False)
    with pytest.raises(TrajpromptError, match=r"random-policy.csv: .*also \[15\]"):
        normalised(load(made))
    with pytest.raises(
        TrajpromptError, match="expected one suite and method random-policy"
    ):
        load(made, random_policies=made.evaluations[:1])
    rows.assign(success=2).to_csv(short, index=False)
    with pytest.raises(TrajpromptError, match="0 or 1.*trajprompt random-policy"):
        load(made)
