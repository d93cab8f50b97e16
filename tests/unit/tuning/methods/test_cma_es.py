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


def test_cma_es_is_pycmas_with_every_rows_own_chance(problem, monkeypatch):
    earn = bowl(problem)
    fake(monkeypatch, earn)
    options = CmaEsOptions(episodes=36, population=12)
    adaptation = get_method("cma-es").tune(problem, options)
    streams = problem.streams(2)[1].spawn(ROWS)
    start = to_vectors(problem.initial_prompts).numpy().astype(np.float64)
    for row in range(ROWS):
        own = strategy(start[row], options, streams[row])
        for _ in range(3):
            asked = own.ask()
            points = torch.from_numpy(np.array(asked)).float().double()
            costs = -earn(points.expand(ROWS, -1, -1))[row]
            own.tell(asked, costs.tolist())
        found = to_vectors(adaptation.last)[row].numpy()
        np.testing.assert_allclose(found, own.mean, rtol=1e-6, atol=1e-6)


def test_cma_es_neither_reads_nor_moves_numpys_global_chance(problem, monkeypatch):
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
    whole = run("cma-es", problem, episodes=16, population=8)
    more = run("cma-es", problem, episodes=21, population=8)
    assert torch.equal(whole.last.states, more.last.states)


@pytest.mark.parametrize("diagonal", [False, True])
def test_cma_es_is_replayed_to_the_same_candidates(problem, diagonal):
    options, earn = CmaEsOptions(population=8, diagonal=diagonal), bowl(problem)
    one, other = CmaEs(problem, options), CmaEs(problem, options)
    assert one.state()["told"].shape == (0, ROWS, 8)
    for _ in range(4):
        one.learn(earn(to_vectors(one.propose(8)).double()).numpy())
    other.restore(one.state())
    for own, again in zip(one.propose(8), other.propose(8), strict=True):
        assert torch.equal(own, again)
    assert torch.equal(one.choice().prompts.states, other.choice().prompts.states)
