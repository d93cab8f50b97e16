"""ReBRAC: its losses against direct formulas, and the penalty of the last step."""

import torch
from torch.nn import functional

from support.offline_problem import batch, learner


def direct(network, member, states, actions):
    """Value (B,) of one critic of a stack of one, layer by layer."""
    x = torch.cat([states, actions], -1)
    layers = network.network.layers
    for layer in layers[:-1]:
        x = x @ layer.weight[member] + layer.bias[member]
        x = functional.layer_norm(x, x.shape[-1:]).clamp(min=0)
    return (x @ layers[-1].weight[member] + layers[-1].bias[member])[:, 0]


def test_the_critics_loss_is_the_direct_formula():
    ours = learner("rebrac", [0], critic_penalty=0.3, target_noise=0.0, discount=0.9)
    data = batch([0])
    states, actions, rewards, following, ended, next_actions, followed = (
        part[0] for part in data
    )
    with torch.no_grad():
        chosen = ours.target_actor(data.next_states).tanh()[0]
        target = torch.minimum(
            *(direct(ours.target_critic, n, following, chosen) for n in (0, 1))
        )
        target -= 0.3 * followed * (chosen - next_actions).square().sum(-1)
        target = rewards + 0.9 * (1 - ended) * target
        values = [direct(ours.critic, n, states, actions) for n in (0, 1)]
        expected = sum((value - target).square().mean() for value in values)
    torch.testing.assert_close(ours._update_critic(data)[0], expected)


def test_the_policys_loss_is_the_direct_formula():
    ours = learner("rebrac", [0], actor_penalty=0.2)
    data = batch([0])
    chosen = ours.actor(data.states).tanh()
    values = [direct(ours.critic, n, data.states[0], chosen[0]) for n in (0, 1)]
    value = torch.minimum(*values)
    distance = (chosen - data.actions)[0].square().sum(-1).mean()
    expected = 0.2 * distance - value.mean() / value.abs().mean()
    torch.testing.assert_close(ours._actor_loss(chosen, data)[0], expected)


def test_the_penalty_of_values_is_scaled_as_rewards_are():
    data = batch([0])
    actions = torch.ones_like(data.actions)
    plain, scaled = (learner("rebrac", [0], reward_scale=s) for s in (1.0, 0.1))
    expected = 0.1 * plain._critic_penalty(actions, data)
    torch.testing.assert_close(scaled._critic_penalty(actions, data), expected)


def test_the_last_step_of_an_episode_has_no_penalty():
    ours, data = learner("rebrac", [0]), batch([0])
    actions = torch.ones_like(data.actions)
    penalty = ours._critic_penalty(actions, data)
    assert torch.equal(penalty != 0, data.followed != 0)


def test_without_penalties_it_has_the_critic_loss_of_td3_with_normalised_layers():
    data = batch([0])
    ours = learner("rebrac", [0], critic_penalty=0.0, layers=2)
    td3 = learner("td3-bc", [0])
    td3.critic.network.layer_norm = td3.target_critic.network.layer_norm = True
    torch.testing.assert_close(ours._update_critic(data), td3._update_critic(data))
