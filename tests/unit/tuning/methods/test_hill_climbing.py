"""Hill climbing: it keeps the earlier of equal prompts."""

import torch

from support.fake_oracle import fake
from trajprompt.tuning.methods.hill_climbing import HillClimbingOptions
from trajprompt.tuning.methods.hill_climbing import tune as climb
from trajprompt.tuning.prompt_vectors import to_vectors


def test_equal_returns_keep_the_earlier_prompt(problem, monkeypatch):
    fake(monkeypatch, lambda vectors: torch.zeros(vectors.shape[:-1]).double())
    adaptation = climb(problem, HillClimbingOptions(episodes=9))
    assert torch.equal(to_vectors(adaptation.last), to_vectors(problem.initial_prompts))
    assert (adaptation.extras["selection_values"].values[:, 1:] == 0).all()
