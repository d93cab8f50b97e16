"""What methods that search by playing choose, on fakes whose best prompt is known."""

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
BELIEVING = ["best-of-n", "gaussian-search", "hill-climbing"]  # the best so far


@pytest.mark.parametrize("name", MOVING)
def test_improves_in_the_published_budget(name, problem, monkeypatch):
    earn = bowl(problem)
    fake(monkeypatch, earn)
    adaptation = run(name, problem)
    returns = [earn(to_vectors(p).double().unsqueeze(1)) for p in adaptation.curve.values()]
    assert (returns[-1] > returns[0] + 3).all()  # of 54 to gain
    assert torch.equal(adaptation.last.timesteps, problem.initial_prompts.timesteps)
    assert adaptation.parameters == SIZE


@pytest.mark.parametrize("name", BELIEVING)
def test_believes_the_luckiest_episode(name, problem, monkeypatch):
    """The value is the highest return seen, however little the prompt had to do with it."""
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
    asked = torch.cat(played.asked, dim=1)  # (R, 40, d)
    chosen = asked[torch.arange(ROWS), torch.from_numpy(returns.argmax(axis=1))]
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
    asked = torch.cat(played.asked, dim=1)
    assert torch.equal(asked[:, 0], start)
    assert not torch.equal(asked[:, 2], start)
    assert torch.equal(to_vectors(adaptation.last), start), "none is better"
