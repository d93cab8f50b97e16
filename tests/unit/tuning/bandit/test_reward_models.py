"""Reward models: all networks at once against each network alone in plain PyTorch."""

import torch
from torch import Tensor, nn

from trajprompt.tuning.bandit.reward_models import HIDDEN, RewardModels
from trajprompt.tuning.bandit.reward_refit import RefitSettings, refit

GROUPS, INPUTS, COUNT = 4, 7, 9


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def make_models() -> RewardModels:
    """Create models in float64, so that tolerances can be small."""
    models = RewardModels.fresh(INPUTS, [generator(1), generator(2)], per_generator=2)
    return models.with_weights(models.weights.double())


def make_data(inputs: int = INPUTS) -> tuple[Tensor, Tensor]:
    x = torch.randn(GROUPS, COUNT, inputs, dtype=torch.float64, generator=generator(3))
    return x, torch.randn(GROUPS, COUNT, dtype=torch.float64, generator=generator(4))


def alone(models: RewardModels, group: int) -> nn.Sequential:
    """Convert one of the networks to a PyTorch module."""
    layers = []
    for layer in models.layers.open(models.weights):
        weight, bias = layer.weight[group].t(), layer.bias[group, 0]
        linear = nn.Linear(*weight.t().shape).double()
        linear.load_state_dict({"weight": weight.clone(), "bias": bias.clone()})
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def flat(network: nn.Sequential, gradients: bool = False) -> Tensor:
    """Return the network's weights or gradients in the layout of RewardModels."""
    parts = []
    for layer in (m for m in network if isinstance(m, nn.Linear)):
        for parameter in (layer.weight, layer.bias):
            values = parameter.grad if gradients else parameter.detach()
            parts.append(values.t().flatten())
    return torch.cat(parts)


def test_fresh_networks_have_the_bounds_of_linear_layers_and_separate_generators():
    models = RewardModels.fresh(INPUTS, [generator(1), generator(2)], per_generator=2)
    for layer, inputs in zip(
        models.layers.open(models.weights), (INPUTS, HIDDEN, HIDDEN), strict=True
    ):
        for part in layer:
            assert part.abs().max() <= inputs**-0.5 and part.std() > 0
    assert len({float(row[0]) for row in models.weights}) == GROUPS
    other = RewardModels.fresh(INPUTS, [generator(9), generator(2)], per_generator=2)
    assert torch.equal(models.weights[2:], other.weights[2:])
    assert not torch.equal(models.weights[:2], other.weights[:2])


def test_predictions_equal_each_network_alone():
    models, (x, _) = make_models(), make_data()
    for group, found in enumerate(models.predict(x)):
        torch.testing.assert_close(found, alone(models, group)(x[group]).squeeze(1))


def test_gradients_equal_autograd():
    models, (x, _) = make_models(), make_data()
    importance = torch.rand(
        models.weights.shape, dtype=torch.float64, generator=generator()
    )
    norms = models.weighted_norms(x, importance)
    for number in range(COUNT):
        found = models.gradient(x[:, number])
        for group in range(GROUPS):
            network = alone(models, group)
            network(x[group, number]).backward()
            expected = flat(network, gradients=True)
            torch.testing.assert_close(found[group], expected)
            weighted = (importance[group] * expected.square()).sum()
            torch.testing.assert_close(norms[group, number], weighted)


def sgd_alone(network: nn.Sequential, x: Tensor, y: Tensor, settings: RefitSettings) -> int:
    """Train as in the co-author's code; return the number of clipped steps."""
    optimiser, clipped = torch.optim.SGD(network.parameters(), settings.learning_rate), 0
    for _ in range(settings.steps):
        optimiser.zero_grad()
        (network(x).squeeze(1) - y).square().mean().backward()
        norm = nn.utils.clip_grad_norm_(network.parameters(), settings.clip)
        clipped += int(norm > settings.clip)
        optimiser.step()
    return clipped


def test_a_refit_equals_sgd_on_each_network_alone():
    """With fewer features than observations; one network's gradients are clipped."""
    settings, models, (x, y) = RefitSettings(steps=300), make_models(), make_data()
    y[2] *= 100
    found = refit(models, x, y, settings)
    clipped = []
    for group, weights in enumerate(found.weights):
        network = alone(models, group)
        clipped.append(sgd_alone(network, x[group], y[group], settings))
        torch.testing.assert_close(weights, flat(network), rtol=1e-7, atol=1e-9)
    assert clipped[2] > 50 and clipped[0] == clipped[1] == clipped[3] == 0


def test_a_refit_equals_sgd_with_more_features_than_observations():
    models = RewardModels.fresh(40, [generator(5)] * GROUPS)
    models = models.with_weights(models.weights.double())
    x, y = make_data(inputs=40)
    found = refit(models, x, y, RefitSettings(steps=100))
    network = alone(models, 1)
    sgd_alone(network, x[1], y[1], RefitSettings(steps=100))
    torch.testing.assert_close(found.weights[1], flat(network), rtol=1e-7, atol=1e-9)


def test_a_refit_does_not_change_the_start_and_the_data():
    models, (x, y) = make_models(), make_data()
    before = [part.clone() for part in (models.weights, x, y)]
    found = refit(models, x, y, RefitSettings(steps=5))
    for part, copy in zip((models.weights, x, y), before, strict=True):
        assert torch.equal(part, copy)
    assert not torch.equal(found.weights, models.weights)


def test_networks_share_nothing():
    models, (x, y) = make_models(), make_data()
    found = refit(models, x, y, RefitSettings(steps=50)).weights
    x[0], y[0] = x[0] + 1, 100 * y[0]
    other = refit(models, x, y, RefitSettings(steps=50)).weights
    assert torch.equal(found[1:], other[1:])
    assert not torch.equal(found[0], other[0])


def test_a_perfect_fit_does_not_change():
    models, (x, _) = make_models(), make_data()
    found = refit(models, x, models.predict(x), RefitSettings(steps=20))
    torch.testing.assert_close(found.weights, models.weights, rtol=0, atol=1e-12)
