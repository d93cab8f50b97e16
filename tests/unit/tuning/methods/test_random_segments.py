"""Random segments: they learn nothing."""

import numpy as np
import torch

from support.fake_oracle import fake
from support.searches import first_state, run
from trajprompt.tuning.prompt_vectors import to_vectors


def test_random_segments_learns_nothing_and_plays_the_prompts_of_best_of_n(
    problem, monkeypatch
):
    played = fake(monkeypatch, first_state)
    adaptation = run("random-segments", problem, episodes=30)
    same = fake(monkeypatch, first_state)
    run("best-of-n", problem, episodes=30)
    for one, other in zip(played.candidates, same.candidates, strict=True):
        assert torch.equal(one, other)
    assert torch.equal(to_vectors(adaptation.last), played.candidates[-1][:, -1])
    assert np.isnan(adaptation.extras["selection_values"].values).all()
