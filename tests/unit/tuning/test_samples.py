"""The samples that every method of a cell shares."""

import torch

from trajprompt.seeds import stream, torch_generator


def test_fixed_samples_have_no_duplicates(problem):
    drawn = problem.samples.draw(torch_generator(stream(1)), 0, 16).states
    assert len(torch.unique(drawn.flatten(1), dim=0)) == 16
    assert problem.samples.draw(torch_generator(stream(1)), 0, 40).leading == (40,)
