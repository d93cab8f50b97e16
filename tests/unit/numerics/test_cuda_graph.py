"""Replays on a CPU: the function is called directly."""

import pytest
import torch

from trajprompt.numerics.cuda_graph import WARM_UP, Replay


def count(device: str) -> list[int]:
    value = torch.zeros((), device=device)

    def add() -> None:
        value.add_(1)

    replay, values = Replay(add, value.device), []
    for _ in range(WARM_UP + 3):
        replay()
        values.append(int(value))
    return values


def test_every_call_does_the_work_once():
    assert count("cpu") == list(range(1, WARM_UP + 4))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_captured_function_does_the_work_once_per_call():
    assert count("cuda") == count("cpu")
