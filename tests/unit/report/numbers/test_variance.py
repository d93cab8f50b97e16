"""Variance components: closed forms, least squares, simulated layouts."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from support.report_table import made, run
from trajprompt.report.numbers.variance import (
    ALL,
    components,
    contrasts,
    differences,
    mean_squares,
    pooled,
    variance_table,
)
from trajprompt.report.pages.variance_markdown import help_text, variance_markdown

__all__ = ["made", "run"]  # fixtures
T, S, E = 4, 5, 6


def layout(seeds=0.0, tasks=0.0, both=0.0, episodes=0.0, shape=(T, S, E), seed=0):
    """Differences (T, S, E) with these standard deviations."""
    rng = np.random.default_rng(seed)
    t, s, e = shape
    return (
        7.0
        + tasks * rng.normal(size=(t, 1, 1))
        + seeds * rng.normal(size=(1, s, 1))
        + both * rng.normal(size=(t, s, 1))
        + episodes * rng.normal(size=(t, s, e))
    )


def test_mean_squares_equal_those_of_nested_least_squares():
    values = layout(1, 2, 3, 4)
    task, seed, _ = np.indices(values.shape).reshape(3, -1)
    one, y = np.ones((values.size, 1)), values.ravel()
    designs = {
        "mean": one,
        "tasks": np.eye(T)[task],
        "both": np.hstack([np.eye(T)[task], np.eye(S)[seed]]),
        "cells": np.eye(T * S)[task * S + seed],
    }
    left = {n: np.linalg.lstsq(x, y, rcond=None)[0] for n, x in designs.items()}
    left = {n: np.square(y - designs[n] @ fit).sum() for n, fit in left.items()}
    found = mean_squares(values)
    assert found.tasks == pytest.approx((left["mean"] - left["tasks"]) / (T - 1))
    assert found.seeds == pytest.approx((left["tasks"] - left["both"]) / (S - 1))
    crossed = (left["both"] - left["cells"]) / ((T - 1) * (S - 1))
    assert found.seeds_tasks == pytest.approx(crossed)
    assert found.episodes == pytest.approx(left["cells"] / (T * S * (E - 1)))


@pytest.mark.parametrize("shape", [(4, 5, 6), (1, 8, 3), (2, 3, 50)])
def test_components_are_unbiased(shape):
    truth = {"seeds": 4.0, "tasks": 9.0, "seeds_tasks": 1.0, "episodes": 16.0}
    drawn = [
        mean_squares(layout(2, 3, 1, 4, shape, seed)) for seed in range(3000)
    ]  # pooled mean squares are far from 0, so that nothing is cut off
    found = vars(components(pooled(drawn)))
    if (
        shape[0] == 1
    ):  # seeds x tasks belong to the seeds, and there is nothing between tasks
        truth |= {"seeds": 5.0, "seeds_tasks": 0.0, "tasks": 0.0}
    for name, value in truth.items():
        assert found[name] == pytest.approx(value, rel=0.15, abs=0.1), name


def test_the_variance_of_a_seeds_mean_is_that_of_simulated_seeds():
    values = layout(2, 3, 1, 4, shape=(3, 40_000, 5))
    found = components(mean_squares(values))
    of_seeds = values.mean(axis=(0, 2)).var(ddof=1)
    assert found.seed_mean(3, 5) == pytest.approx(of_seeds, rel=1e-3)


def test_one_source_alone_has_the_whole_variance():
    for name in ("seeds", "tasks", "both"):
        values = layout(**{name: 2.0})
        if name == "both":  # without the main effects that are in it by chance
            values = values - values.mean(axis=0) - values.mean(axis=1, keepdims=True)
        found = vars(components(mean_squares(values)))
        name = "seeds_tasks" if name == "both" else name
        assert found.pop(name) > 0.1 and max(found.values()) == pytest.approx(0, abs=1e-20)


def test_what_a_layout_cannot_tell_is_nan():
    one_episode = mean_squares(layout(1, 1, 1, shape=(3, 4, 1)))
    unknown = components(one_episode)
    assert np.isnan([unknown.episodes, unknown.seeds_tasks]).all()
    equal = components(one_episode, equal_episodes=True)
    assert equal.episodes == 0 and equal.seeds_tasks == one_episode.seeds_tasks
    one_seed = components(mean_squares(layout(1, 1, 1, 1, shape=(3, 1, 4))))
    assert np.isnan([one_seed.seeds, one_seed.tasks]).all() and one_seed.episodes > 0


def test_differences_are_paired_by_task_seed_and_reset(run):
    pairs = contrasts(run, "cheetah-vel")
    assert [(first.id, second.method) for first, second in pairs] == []
    # The invented run has its untuned cell in another condition than the tuned ones.
    entry, untuned = run.entry("ptdt-online"), run.entry("prompt-dt")
    same = replace(run, entries=(entry, replace(untuned, condition="few-shot")))
    assert [pair[0].id for pair in contrasts(same, "cheetah-vel")] == ["ptdt-online"]
    found = differences(run, "cheetah-vel", entry, untuned)
    scores = [run.scores(one)["cheetah-vel"].values for one in (entry, untuned)]
    np.testing.assert_allclose(found.mean(axis=2), scores[0] - scores[1])
    rows = [run.evaluations.rows("cheetah-vel", one, 1) for one in (entry, untuned)]
    rows = [r[(r["checkpoint"] == "last") & (r["task"] == 7)] for r in rows]
    gap = rows[0]["return"].to_numpy() - rows[1]["return"].to_numpy()
    np.testing.assert_allclose(found[1, 1], gap)  # test tasks 2, 7, ..; seed 1


@pytest.fixture
def paired(run):
    """The run, with the tuned cells in the condition of the untuned one."""
    cells = run.evaluations._cells
    moved = {
        (suite, "expert" if method.startswith("ptdt-o") else condition, method, seed): rows
        for (suite, condition, method, seed), rows in cells.items()
    }
    evaluations = type(run.evaluations)([], run.name)
    evaluations._cells = moved
    entries = tuple(
        replace(e, condition="expert") if e.method.startswith("ptdt-o") else e
        for e in run.entries
        if e.id != "ptdt-offline-literal"
    )
    return replace(run, evaluations=evaluations, entries=entries)


def test_the_table_has_every_contrast_and_their_mean(paired):
    table = variance_table(paired)
    for suite in paired.suites:
        columns = table[table["suite"] == suite]["column"].tolist()
        assert columns == [ALL, "ptdt-offline", "ptdt-online"]
    shares = table[[name for name in table if name.startswith("share_")]]
    known = table["suite"] != "reach"  # its resets are equal, but this run invents noise
    np.testing.assert_allclose(shares[known].sum(axis=1), 1)
    row = table[(table["suite"] == "ant-dir") & (table["column"] == "ptdt-online")].iloc[0]
    pair = next(p for p in contrasts(paired, "ant-dir") if p[0].id == "ptdt-online")
    by_seed = differences(paired, "ant-dir", *pair).mean(axis=(0, 2))
    most = by_seed.std(ddof=1) / np.sqrt(len(by_seed))  # components cut at 0 add to it
    assert row["standard_error"] >= most - 1e-9
    text = variance_markdown(table, paired)
    assert "## Where more compute would help" in text and "PTDT-ONLINE − PROMPT-DT" in text


def test_the_sentence_says_what_helps():
    row = pd.Series({"suite": "ant-dir", "episodes": 4, "seeds": 3})
    row["episodes_of_seed_mean"] = 0.8
    assert "more episodes help; its 4 episode(s) per task make 80 %" in help_text(row)
    assert "by 23 % (twice as many seeds: by 29 %)" in help_text(row)  # 1 - sqrt(0.6)
    row["episodes_of_seed_mean"] = 0.09
    assert "only more seeds help" in help_text(row)
    row["episodes_of_seed_mean"] = np.nan
    assert "cannot tell" in help_text(row)


def test_a_run_without_contrasts_says_so(run):
    assert "No method" in variance_markdown(variance_table(run), run)
