"""CMA-ES against pycma, its random streams, and its replay."""

import numpy as np
import pytest
import torch

from support.fake_oracle import bowl, fake
from support.searches import run
from support.tuning_problem import ROWS
from trajprompt.tuning.methods.cma_es import CmaEs, CmaEsOptions, strategy
from trajprompt.tuning.prompt_vectors import to_vectors
from trajprompt.tuning.registry import get_method


def test_cma_es_equals_pycma_with_separate_generators_per_row(problem, monkeypatch):
    return_of = bowl(problem)
    fake(monkeypatch, return_of)
    options = CmaEsOptions(episodes=36, population=12)
    adaptation = get_method("cma-es").tune(problem, options)
    streams = problem.streams(2)[1].spawn(ROWS)
    start = to_vectors(problem.initial_prompts).numpy().astype(np.float64)
    for row in range(ROWS):
        expected = strategy(start[row], options, streams[row])
        for _ in range(3):
            asked = expected.ask()
            points = torch.from_numpy(np.array(asked)).float().double()
            costs = -return_of(points.expand(ROWS, -1, -1))[row]
            expected.tell(asked, costs.tolist())
        found = to_vectors(adaptation.last)[row].numpy()
        np.testing.assert_allclose(found, expected.mean, rtol=1e-6, atol=1e-6)


def test_cma_es_does_not_use_numpys_global_generator(problem, monkeypatch):
    fake(monkeypatch, bowl(problem))
    found = []
    for seed in (1, 2):
        np.random.seed(seed)
        before = np.random.get_state()[1].copy()
        found.append(run("cma-es", problem, episodes=24, population=8).last.states)
        assert (np.random.get_state()[1] == before).all()
    assert torch.equal(*found)


def test_cma_es_does_not_learn_from_part_of_a_generation(problem, monkeypatch):
    fake(monkeypatch, bowl(problem))
    complete = run("cma-es", problem, episodes=16, population=8)
    more = run("cma-es", problem, episodes=21, population=8)
    assert torch.equal(complete.last.states, more.last.states)


@pytest.mark.parametrize("diagonal", [False, True])
def test_cma_es_replays_to_the_same_candidates(problem, diagonal):
    options, return_of = CmaEsOptions(population=8, diagonal=diagonal), bowl(problem)
    one, other = CmaEs(problem, options), CmaEs(problem, options)
    assert one.state()["told"].shape == (0, ROWS, 8)
    for _ in range(4):
        one.learn(return_of(to_vectors(one.propose(8)).double()).numpy())
    other.restore(one.state())
    for expected, found in zip(one.propose(8), other.propose(8), strict=True):
        assert torch.equal(expected, found)
    assert torch.equal(one.choice().prompts.states, other.choice().prompts.states)
