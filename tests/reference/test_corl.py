"""Our offline algorithms do CORL's updates: losses and weights from equal weights.

corl/results.json was made by corl/make.py with CORL at 6afec90, and corl/rebrac.json by
corl/make_rebrac.py.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from support import corl_problem as problem
from trajprompt.offline.noise import Noise
from trajprompt.offline.protocol import Sizes
from trajprompt.offline.registry import get_algorithm
from trajprompt.trajectories.transitions import Batch

FILES = [Path(__file__).parent / "corl" / name for name in ("results.json", "rebrac.json")]
RESULTS = {k: v for file in FILES for k, v in json.loads(file.read_text()).items()}
KINDS = {"iql-deterministic": "iql"}
OPTIONS = {
    "iql-deterministic": {"policy": "deterministic"},
    "rebrac": {
        "actor_penalty": problem.ACTOR_PENALTY,
        "critic_penalty": problem.CRITIC_PENALTY,
    },
    "cql": {"policy_rate": problem.POLICY_RATE, "samples": problem.SAMPLES},
}
# The order in which our update draws, by kind of numbers.
NORMAL = {name: ["following"] for name in ("td3-bc", "rebrac")}
NORMAL |= {"cql": ["following", "current", "next", "policy"]}


class GivenNoise(Noise):
    def __init__(self, name):
        super().__init__([])
        self.name, self.number, self.drawn = name, -1, 0

    def begin(self):
        self.number, self.drawn = self.number + 1, 0

    def normal(self, *shape):
        self.drawn += 1
        return self._given(NORMAL[self.name][self.drawn - 1], shape)

    def uniform(self, *shape):
        return self._given("uniform", shape)

    def _given(self, use, shape):
        found = torch.tensor(problem.noise(self.number)[use])[None]
        assert found.shape == (1, *shape)
        return found


def our_batch(number):
    states, actions, rewards, following, ended = (
        torch.tensor(part)[None] for part in problem.batch(number)
    )
    next_actions = torch.tensor(problem.next_actions(number))[None]
    followed = torch.ones_like(rewards)
    return Batch(states, actions, rewards, following, ended, next_actions, followed)


def learner_of(name):
    algorithm = get_algorithm(KINDS.get(name, name))
    chosen = {"width": problem.WIDTH, "learning_rate": problem.RATE}
    chosen |= OPTIONS.get(name, {})
    sizes = Sizes(1, problem.STATES, problem.ACTIONS, problem.UPDATES + 2)
    weights = [torch.Generator()]
    noise = GivenNoise(name)
    found = algorithm.learner(sizes, algorithm.options(**chosen), weights, noise, "cpu")
    for network in ("actor", "value", "critic1", "critic2"):
        if hasattr(found, network.rstrip("12")):
            put(found, name, network)
    for network, vector in found.averages.items():
        vector.copy_(found.optimisers[network].vector)
    return found


def members(learner, network):
    """Layers of a network and its place in their stack."""
    prefix = "target_" if network.startswith("target ") else ""
    kind = network.removeprefix("target ")
    module = getattr(learner, prefix + kind.rstrip("12"))
    module = getattr(module, "network", module)
    return module.layers, int(kind[-1]) - 1 if kind[-1] in "12" else 0


@torch.no_grad()
def put(learner, name, network):
    found, place = members(learner, network)
    for layer, (weight, bias) in zip(found, problem.layers(name, network), strict=True):
        layer.weight[place].copy_(torch.tensor(weight))
        layer.bias[place, 0].copy_(torch.tensor(bias))


@pytest.mark.parametrize("name", [*problem.NAMES, "rebrac"])
def test_losses_and_weights_are_those_of_corl(name):
    learner, losses = learner_of(name), {}
    for number in range(problem.UPDATES):
        learner.noise.begin()
        for loss, value in learner.update(our_batch(number)).items():
            losses.setdefault(loss, []).append(value.item())
    expected = RESULTS[name]
    assert losses.keys() == expected["losses"].keys()
    for loss, values in losses.items():
        np.testing.assert_allclose(
            values, expected["losses"][loss], rtol=1e-4, atol=1e-6, err_msg=loss
        )
    for network, rows in expected["weights"].items():
        layers, place = members(learner, network)
        found = [
            problem.checksum(layer.weight[place].detach())
            + problem.checksum(layer.bias[place].detach())
            for layer in layers
        ]
        np.testing.assert_allclose(found, rows, rtol=1e-4, atol=1e-3, err_msg=network)
