"""Methods that play episodes, tuned together for several seeds."""

import dataclasses

import numpy as np
import pytest
import torch

from support.played_backbones import make_backbone
from support.tiny_methods import OPTIONS
from support.tuning_problem import make_problem
from trajprompt.rollout.broker import play_together
from trajprompt.rollout.stacked_plays import StackedPlayer
from trajprompt.seeds import stream
from trajprompt.tuning.registry import get_method


def tuned(name: str, seeds: tuple[int, ...]):
    """Adaptations of the seeds, tuned together."""
    method, suite = get_method(name), dataclasses.replace(make_problem().suite, horizon=20)

    def work(seed: int):
        problem = dataclasses.replace(
            make_problem(),
            suite=suite,
            backbone=make_backbone(seed),
            stream=stream(seed, "tune"),
        )
        return lambda player: method.tune(
            dataclasses.replace(problem, player=player), OPTIONS[name]
        )

    player = StackedPlayer(suite, 0.0, "fp32")
    found = play_together([work(seed) for seed in seeds], player)
    return dict(zip(seeds, found, strict=True))


@pytest.mark.parametrize("name", ["ptdt-online", "hill-climbing", "prompt-bandit"])
def test_a_seed_does_not_depend_on_its_stack(name):
    together = tuned(name, (0, 1, 2))
    for stack in ((1,), (2, 1)):
        for seed, found in tuned(name, stack).items():
            expected = together[seed]
            for one, other in zip(found.last, expected.last, strict=True):
                assert torch.equal(one, other)
            assert str(found.history) == str(expected.history)  # NaN differs from NaN
            for key, extra in expected.extras.items():
                np.testing.assert_array_equal(found.extras[key].values, extra.values)
    assert str(together[0].history) != str(together[1].history)
