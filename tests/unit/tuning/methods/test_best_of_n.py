"""Best of N: it finds the best of its draws."""

import torch

from support.fake_oracle import fake
from support.searches import first_state, run


def test_best_of_n_finds_the_best_arm(problem, monkeypatch):
    fake(monkeypatch, first_state)
    adaptation = run("best-of-n", problem)
    for row, arms in enumerate(problem.arms):
        best = arms.select(int(arms.states[:, 0, 0].argmax()))
        for found, expected in zip(adaptation.last.select(row), best, strict=True):
            assert torch.equal(found, expected)
