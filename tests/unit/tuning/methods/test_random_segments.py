"""Random segments learn nothing."""

import numpy as np
import torch

from support.fake_oracle import fake
from support.searches import first_state, run
from trajprompt.tuning.prompt_vectors import to_vectors


def test_random_segments_learns_nothing_and_plays_what_best_of_n_plays(
    problem, monkeypatch
):
    played = fake(monkeypatch, first_state)
    adaptation = run("random-segments", problem, episodes=30)
    same = fake(monkeypatch, first_state)
    run("best-of-n", problem, episodes=30)
    for own, other in zip(played.asked, same.asked, strict=True):
        assert torch.equal(own, other)
    assert torch.equal(to_vectors(adaptation.last), played.asked[-1][:, -1])
    assert np.isnan(adaptation.extras["selection_values"].values).all()
