"""Rank-based search along a line."""

import numpy as np
import torch

from support.fake_oracle import bowl
from support.tuning_problem import ROWS
from trajprompt.tuning.methods.zo_rank_line_search import LineSearch, LineSearchOptions
from trajprompt.tuning.prompt_vectors import to_vectors


def play(one: LineSearch, return_of, count: int) -> torch.Tensor:
    """Play a round and return its candidates (R, count, d)."""
    candidates = to_vectors(one.propose(count))
    one.learn(return_of(candidates.double()).numpy())
    return candidates


def test_line_search_plays_the_iterate_the_best_query_and_the_line(problem):
    one = LineSearch(problem, LineSearchOptions(candidates=5, ranked=5, step_size=2.0))
    start, return_of = one.position, bowl(problem)
    candidates = play(one, return_of, 5)
    best = return_of(candidates.double()).argmax(dim=1)
    line = play(one, return_of, 5)
    assert torch.equal(line[:, 0], start)
    assert torch.equal(line[:, 1], candidates[torch.arange(ROWS), best])
    for number, step in enumerate((2.0, 1.0, 0.5)):
        torch.testing.assert_close(line[:, 2 + number], start + step * one.line)
    returns = return_of(line.double())
    winner = line[torch.arange(ROWS), returns.argmax(dim=1)]
    assert torch.equal(one.position, winner)
    np.testing.assert_array_equal(one.choice().values, returns.amax(dim=1).numpy())
    assert (one.averaged == 0).all(), "the average must start again"


def test_line_search_without_success_stays_and_averages_directions(problem):
    one = LineSearch(problem, LineSearchOptions(candidates=4, ranked=4))
    return_of, directions = bowl(problem, offset=0.0), []
    for _ in range(3):
        play(one, return_of, 4)
        fresh = one.line * one.averaged[:, None] - sum(directions, torch.zeros(()))
        directions.append(fresh)
        play(one, return_of, 4)
        assert torch.equal(one.position, to_vectors(problem.initial_prompts))
    assert one.averaged.tolist() == [3.0] * ROWS
    mean = torch.stack(directions).mean(dim=0)
    torch.testing.assert_close(one.line, mean, rtol=1e-4, atol=1e-4)
    sizes = torch.stack(directions).norm(dim=-1)
    assert (sizes > 1).all() and (one.line.norm(dim=-1) < sizes.mean(dim=0)).all()
    assert (one.choice().values == 0).all()
