"""TD3: its targets and its delays."""

import torch

from support.collection import generator, random_batch
from trajprompt.collect.options import Td3Options
from trajprompt.collect.td3 import TD3


def test_td3_targets_are_smoothed_clipped_and_end_at_terminations():
    options = Td3Options(width=8, batch=16, target_noise=0.2, noise_clip=0.1)
    agent = TD3(2, 5, 2, options, "cpu", generator(), generator(1))
    batch = random_batch(2)
    noise = 0.2 * torch.randn(2, 16, 2, generator=generator(1))
    smoothed = agent.target_actor(batch.next_features).tanh() + noise.clamp(-0.1, 0.1)
    both = agent.target_critic(batch.next_features, smoothed.clamp(-1, 1))
    expected = batch.rewards + 0.99 * (1 - batch.terminations) * both.min(0).values
    torch.testing.assert_close(agent.targets(batch), expected)
    ended = batch.terminations.bool()
    assert ended.any() and torch.equal(agent.targets(batch)[ended], batch.rewards[ended])


def test_td3_delays_policy_and_targets():
    agent = TD3(1, 5, 2, Td3Options(width=8), "cpu", generator(), generator(1))
    actor, target = agent.actor_vector.clone(), agent.target_critic_vector.clone()
    agent.update(random_batch(1))
    assert torch.equal(agent.actor_vector, actor)
    assert torch.equal(agent.target_critic_vector, target)
    agent.update(random_batch(1))
    assert not torch.equal(agent.actor_vector, actor)
    assert not torch.equal(agent.target_critic_vector, target)
