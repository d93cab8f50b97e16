"""Draws of segments: uniform, and independent in every slot."""

import dataclasses

import torch

from support.tuning_problem import ROWS, segments
from trajprompt.tuning.search.segment_draws import SegmentDraws


def test_draws_are_uniform_among_each_rows_arms(problem):
    drawn = SegmentDraws(problem).draw(3000)
    assert drawn.leading == (ROWS, 3000)
    for row, arms in enumerate(problem.arms):
        same = drawn.states[row, :, None] == arms.states  # (n, A, H, S)
        counts = same.all(dim=(-1, -2)).sum(dim=0)
        assert counts.sum() == 3000
        share = 3000 / arms.leading[0]
        assert ((counts - share).abs() < 5 * share**0.5).all()


def test_slots_are_drawn_independently_and_joined_in_order(problem):
    arms = [segments(5, length=3, seed=40 + row) for row in range(ROWS)]
    arms = [one._replace(timesteps=one.timesteps + 7) for one in arms]
    start = segments(ROWS, length=6, seed=50)
    halves = dataclasses.replace(
        problem, arms=arms, prompt_segments=2, initial_prompts=start
    )
    drawn = SegmentDraws(halves).draw(400)
    assert drawn.leading == (ROWS, 400) and drawn.length == 6
    assert drawn.timesteps[0, 0].tolist() == [7, 8, 9, 7, 8, 9]
    slots = drawn.states[0].unflatten(1, (2, 3))  # (n, J, H, S)
    indices = (slots[:, :, None] == arms[0].states).all(dim=(-1, -2)).int().argmax(dim=-1)
    assert len({tuple(pair) for pair in indices.tolist()}) == 25
    expected = arms[0].select(indices).join()
    assert all(torch.equal(a, b[0]) for a, b in zip(expected, drawn, strict=True))
