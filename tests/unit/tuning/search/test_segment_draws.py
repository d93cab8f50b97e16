"""Draws of segments: uniform, and on their own in every slot."""

import dataclasses

import torch

from support.tuning_problem import ROWS, segments
from trajprompt.tuning.search.segment_draws import SegmentDraws


def test_draws_are_uniform_among_each_rows_own_arms(problem):
    drawn = SegmentDraws(problem).draw(3000)
    assert drawn.leading == (ROWS, 3000)
    for row, arms in enumerate(problem.arms):
        same = drawn.states[row, :, None] == arms.states  # (n, A, H, S)
        counts = same.all(dim=(-1, -2)).sum(dim=0)
        assert counts.sum() == 3000
        share = 3000 / arms.leading[0]
        assert ((counts - share).abs() < 5 * share**0.5).all()


def test_slots_are_drawn_on_their_own_and_stand_one_behind_the_other(problem):
    arms = [segments(5, length=3, seed=40 + row) for row in range(ROWS)]
    arms = [own._replace(timesteps=own.timesteps + 7) for own in arms]
    start = segments(ROWS, length=6, seed=50)
    halves = dataclasses.replace(
        problem, arms=arms, prompt_segments=2, initial_prompts=start
    )
    drawn = SegmentDraws(halves).draw(400)
    assert drawn.leading == (ROWS, 400) and drawn.length == 6
    assert drawn.timesteps[0, 0].tolist() == [7, 8, 9, 7, 8, 9]
    slots = drawn.states[0].unflatten(1, (2, 3))  # (n, J, H, S)
    places = (slots[:, :, None] == arms[0].states).all(dim=(-1, -2)).int().argmax(dim=-1)
    assert len({tuple(pair) for pair in places.tolist()}) == 25
    again = arms[0].select(places).join()
    assert all(torch.equal(a, b[0]) for a, b in zip(again, drawn, strict=True))
