"""The replay buffer: every member of a stack samples only its rows."""

import torch

from support.collection import generator
from trajprompt.collect.replay import ReplayBuffer


def test_members_of_a_stack_sample_all_of_their_rows_and_no_others():
    replay = ReplayBuffer(steps=5, rows=6, features=1, actions=1, extra=1, device="cpu")
    for now in range(4):
        row = torch.arange(6.0)
        columns = (row[:, None], row[:, None], row, row[:, None], row, now + row[:, None])
        replay.add(*columns)
    batch, extra, rows = replay.sample(3, 500, generator())
    for member in range(3):
        assert set(rows[member].tolist()) == {2 * member, 2 * member + 1}
    assert torch.equal(batch.features[..., 0], rows.float())
    assert torch.equal(batch.rewards, rows.float())
    assert set((extra[..., 0] - rows).unique().tolist()) == {0.0, 1.0, 2.0, 3.0}
