"""Choices of methods that search by playing, on fake oracles with a known best prompt."""

import dataclasses

import numpy as np
import pytest
import torch

from support.fake_oracle import bowl, fake
from support.searches import SIZE, run
from support.tuning_problem import ROWS
from trajprompt.errors import TrajpromptError
from trajprompt.tuning.prompt_vectors import to_vectors

MOVING = [
    "gaussian-search",
    "hill-climbing",
    "cma-es",
    "two-point",
    "zo-rank-search",
    "zo-rank-line-search",
]
BEST_SO_FAR = ["best-of-n", "gaussian-search", "hill-climbing"]


@pytest.mark.parametrize("name", MOVING)
def test_improves_in_the_published_budget(name, problem, monkeypatch):
    return_of = bowl(problem)
    fake(monkeypatch, return_of)
    adaptation = run(name, problem)
    vectors = [to_vectors(prompts).double() for prompts in adaptation.curve.values()]
    returns = [return_of(x.unsqueeze(1)) for x in vectors]
    assert (returns[-1] > returns[0] + 3).all()  # the largest possible gain is 54
    assert torch.equal(adaptation.last.timesteps, problem.initial_prompts.timesteps)
    assert adaptation.parameters == SIZE


@pytest.mark.parametrize("name", BEST_SO_FAR)
def test_chooses_the_luckiest_episode(name, problem, monkeypatch):
    """The value is the highest return, even if it does not depend on the prompt."""
    rng = torch.Generator().manual_seed(0)

    def noise(vectors: torch.Tensor) -> torch.Tensor:
        return torch.randn(vectors.shape[:-1], generator=rng).double()

    played = fake(monkeypatch, noise)
    adaptation = run(name, problem, episodes=40, records=4, candidates=5)
    returns = np.concatenate(played.returns, axis=1)
    believed = adaptation.extras["selection_values"].values
    for record in range(1, 5):
        highest = returns[:, : 10 * record].max(axis=1)
        np.testing.assert_array_equal(believed[:, record], highest)
    candidates = torch.cat(played.candidates, dim=1)  # (R, 40, d)
    chosen = candidates[torch.arange(ROWS), torch.from_numpy(returns.argmax(axis=1))]
    torch.testing.assert_close(to_vectors(adaptation.last), chosen)


@pytest.mark.parametrize("name", ["random-segments", "best-of-n"])
def test_arms_are_needed(name, problem):
    with pytest.raises(TrajpromptError, match="reads_arms"):
        run(name, dataclasses.replace(problem, arms=None))


@pytest.mark.parametrize("name", ["gaussian-search", "hill-climbing"])
def test_the_initial_prompt_is_the_first_candidate(name, problem, monkeypatch):
    played = fake(monkeypatch, bowl(problem, offset=0.0))
    adaptation = run(name, problem, episodes=20, candidates=2)
    start = to_vectors(problem.initial_prompts)
    candidates = torch.cat(played.candidates, dim=1)
    assert torch.equal(candidates[:, 0], start)
    assert not torch.equal(candidates[:, 2], start)
    assert torch.equal(to_vectors(adaptation.last), start), "none is better"
