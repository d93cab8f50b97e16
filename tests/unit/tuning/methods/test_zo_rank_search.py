"""Rank-based search: its estimator and its invariance."""

import numpy as np
import pytest
import torch

from support.fake_oracle import bowl, fake
from support.searches import run
from support.tuning_problem import ROWS
from trajprompt.tuning.methods.zo_rank_search import RankSearch, RankSearchOptions
from trajprompt.tuning.prompt_vectors import to_vectors


@pytest.mark.parametrize("name", ["zo-rank-search", "zo-rank-line-search"])
@pytest.mark.parametrize(
    "transform", [lambda x: (x / 20).exp(), lambda x: x**3, lambda x: 5 * x - 900]
)
def test_rank_searches_are_invariant_to_monotone_transforms(
    name, transform, problem, monkeypatch
):
    return_of = bowl(problem)
    fake(monkeypatch, return_of)
    plain = run(name, problem, episodes=100)
    fake(monkeypatch, lambda vectors: transform(return_of(vectors)))
    other = run(name, problem, episodes=100)
    for record, prompts in plain.curve.items():
        assert torch.equal(to_vectors(prompts), to_vectors(other.curve[record]))


def test_rank_search_takes_a_step_along_the_estimator(problem):
    options = RankSearchOptions(candidates=2, ranked=2, step_size=0.5, smoothing=0.1)
    one = RankSearch(problem, options)
    start = one.position
    candidates = to_vectors(one.propose(2))
    one.learn(np.array([[1.0, 0.0]] * ROWS))  # E has one edge: the first is better
    step = 0.5 * (candidates[:, 0] - candidates[:, 1]) / 0.1
    torch.testing.assert_close(one.position - start, step, atol=1e-4, rtol=1e-4)
    one.propose(1)
    before = one.position
    one.learn(np.zeros((ROWS, 1)))
    assert one.position is before, "a single candidate has no rank"
