"""SAC: densities, the temperature, and learning on a bandit."""

import torch

from support.collection import generator, random_batch
from trajprompt.collect.options import SacOptions
from trajprompt.collect.replay import Batch
from trajprompt.collect.sac import LOG_STD_RANGE, SAC
from trajprompt.numerics.tanh_gaussian import squash


def test_log_density_of_squashed_gaussian_equals_torch_distributions():
    g = generator()
    mean = torch.randn(4, 6, generator=g, dtype=torch.float64)
    log_std = torch.randn(4, 6, generator=g, dtype=torch.float64) * 0.5
    noise = torch.randn(4, 6, generator=g, dtype=torch.float64)
    actions, density = squash(mean, log_std, noise)
    normal = torch.distributions.Normal(mean, log_std.exp())
    squashed = torch.distributions.TransformedDistribution(
        normal, torch.distributions.transforms.TanhTransform(cache_size=0)
    )
    torch.testing.assert_close(density, squashed.log_prob(actions).sum(-1))


def test_sac_temperature_gradient_equals_autograd():
    options = SacOptions(width=8, batch=16, initial_temperature=0.3)
    agent = SAC(2, 5, 2, options, "cpu", generator(), generator(1))
    batch = random_batch(2)
    noise = generator(1)
    torch.randn(2, 16, 2, generator=noise)  # used by the critic's target
    mean, log_std = agent.actor(batch.features).detach().chunk(2, dim=-1)
    actor_noise = torch.randn(2, 16, 2, generator=noise)
    _, log_probs = squash(mean, log_std.clamp(*LOG_STD_RANGE), actor_noise)
    log_temperature = agent.log_temperature.clone().requires_grad_(True)
    loss = -(log_temperature.exp() * (log_probs - 2.0)).mean(-1).sum()
    agent.update(batch)
    # target entropy is -2: entropy - target = -log p + 2 = -(log p - 2)
    (expected,) = torch.autograd.grad(loss, log_temperature)
    torch.testing.assert_close(agent.log_temperature.grad, expected)


def test_sac_learns_a_bandit_whose_best_action_differs_by_task():
    options = SacOptions(width=32, batch=64, learning_rate=3e-3, initial_temperature=0.1)
    agent = SAC(2, 1, 1, options, "cpu", generator(), generator(1))
    best = torch.tensor([[-0.5], [0.6]])
    g = generator(2)
    for _ in range(400):
        actions = torch.rand(2, 64, 1, generator=g) * 2 - 1
        zeros = torch.zeros(2, 64, 1)
        rewards = -(actions[..., 0] - best).square() * 10
        agent.update(Batch(zeros, actions, rewards, zeros, torch.ones(2, 64)))
    found = agent.act(torch.zeros(2, 1, 1), explore=False)[..., 0]
    torch.testing.assert_close(found, best, atol=0.15, rtol=0)
