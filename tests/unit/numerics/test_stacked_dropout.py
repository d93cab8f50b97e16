"""Masks of a stack: their rate, their streams and their state."""

import torch

from trajprompt.numerics.stacked_dropout import StackedDropout

ONES = torch.ones(2, 3, 100)


def make(*seeds: int, rate: float = 0.25) -> StackedDropout:
    return StackedDropout(rate, seeds, 600, ONES)


def one_pass(dropout: StackedDropout, stack: int) -> torch.Tensor:
    ones = torch.ones(stack, 3, 100)
    dropout.draw()
    dropout.begin()
    return torch.stack([dropout(ones), dropout(ones)])


def test_values_are_dropped_at_the_rate_and_scaled():
    dropout = StackedDropout(0.25, (1,), 100_000, ONES)
    dropout.draw()
    found = dropout(torch.ones(1, 100_000))
    assert set(found.unique().tolist()) == {0.0, float(torch.tensor(1 / 0.75))}
    assert abs(float(found.mean()) - 1) < 0.01


def test_masks_of_a_seed_do_not_depend_on_the_stack():
    first, second = make(5, 7), make(7)
    for _ in range(3):
        together, alone = one_pass(first, 2), one_pass(second, 1)
        assert torch.equal(together[:, 1:], alone)
        assert not torch.equal(together[0], together[1])


def test_restored_streams_continue():
    dropout, copy = make(5, 7), make(0, 0)
    one_pass(dropout, 2)
    state = {name: part.numpy() for name, part in dropout.state().items()}
    copy.restore(state)
    assert torch.equal(one_pass(dropout, 2), one_pass(copy, 2))


def test_a_rate_of_zero_changes_nothing():
    dropout = make(1, 2, rate=0.0)
    dropout.draw()
    assert dropout(ONES) is ONES
