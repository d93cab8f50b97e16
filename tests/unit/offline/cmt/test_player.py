"""Play: the same inputs as in training, and rows that do not depend on each other."""

import numpy as np
import pytest
import torch

from support.cmt_problem import HISTORY, LENGTH, STATES, model
from trajprompt.models.cmt.encoder import History
from trajprompt.models.cmt.player import CmtPlayer

STEPS, ROWS = 23, 6


def player(made, rows):
    g = torch.Generator().manual_seed(3)
    mean, std = torch.randn(STATES, generator=g), torch.rand(STATES, generator=g) + 0.5
    return CmtPlayer(made, mean, std, rows)


def given(rows=ROWS):
    g = np.random.default_rng(0)
    seen = g.normal(size=(STEPS, rows, STATES)).astype(np.float32)
    return seen, g.normal(size=(STEPS, rows))


def play(made, seen, rewards):
    one, actions = player(made, seen.shape[1]), []
    for observed, earned in zip(seen, rewards, strict=True):
        actions.append(one.act(observed))
        one.receive(earned)
    return np.stack(actions)


def test_a_played_window_is_a_training_window():
    """The prompt is of the H transitions before the window; its steps are the context."""
    made = model()
    made.reward_scale.fill_(2.0)
    seen, rewards = given()
    found = torch.from_numpy(play(made, seen, rewards)).transpose(0, 1)  # (N, T, A)
    one = player(made, ROWS)
    states = ((torch.from_numpy(seen) - one.mean) / one.std).transpose(0, 1)
    scaled = torch.from_numpy(rewards / 2).float().T
    for first in range(0, STEPS, LENGTH):
        last, start = min(first + LENGTH, STEPS), max(0, first - HISTORY)
        padding = HISTORY - (first - start)

        def padded(values, start=start, first=first, padding=padding):
            shape = (ROWS, padding, *values.shape[2:])
            return torch.cat([torch.zeros(shape), values[:, start:first]], 1)

        history = History(
            padded(states),
            padded(found),
            padded(scaled),
            (torch.arange(HISTORY) >= padding).expand(ROWS, -1),
        )
        window = slice(first, last)
        expected = made.generator(
            made.prompts(history), states[:, window], found[:, window], scaled[:, window]
        )
        torch.testing.assert_close(found[:, window], expected.actions)


@pytest.mark.parametrize("rows", [1, 2, 5, 20])
@pytest.mark.parametrize("width", [16, 64])
def test_a_rows_bits_do_not_depend_on_the_others(rows, width):
    made, (seen, rewards) = model(width=width, prompt_dim=width), given(50)
    together = play(made, seen, rewards)
    alone = play(made, seen[:, :rows], rewards[:, :rows])
    assert np.array_equal(alone, together[:, :rows])
