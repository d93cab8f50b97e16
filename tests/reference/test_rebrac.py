"""ReBRAC's updates against a plain derivation from its paper (arXiv 2305.09836).

The derivation has one seed, separate networks, float64 and PyTorch's own Adam. Weights,
batches and noise are those of our learner, and so are the place of the layer norm and the
order of updates, which differ from CORL's (docs/deviations.md).
"""

import copy

import torch

from support.offline_problem import ACTIONS, ROWS, batch, generators, learner

UPDATES, WIDTH = 10, 32
DISCOUNT, POLYAK, RATE, DELAY = 0.9, 0.05, 1e-3, 2
NOISE, CLIP, BETA_1, BETA_2 = 0.2, 0.5, 0.4, 0.3
OPTIONS = {
    **{"width": WIDTH, "discount": DISCOUNT, "target_rate": POLYAK},
    **{"learning_rate": RATE, "policy_delay": DELAY},
    **{"target_noise": NOISE, "noise_clip": CLIP},
    **{"actor_penalty": BETA_1, "critic_penalty": BETA_2},
}


def layers_of(network, member):
    """Weights (inputs, outputs) and biases (1, outputs) in turn, in float64."""
    parameters = [part for pair in network.affine for part in pair]
    return [part[member].detach().double().clone() for part in parameters]


def output(parameters, x, normalised):
    """Linear, layer norm, ReLU in each hidden layer; a linear output."""
    *hidden, weight, bias = parameters
    for hidden_weight, hidden_bias in zip(hidden[::2], hidden[1::2], strict=True):
        x = x @ hidden_weight + hidden_bias
        if normalised:
            centred = x - x.mean(-1, keepdim=True)
            x = centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt()
        x = x.clamp(min=0)
    return x @ weight + bias


def policy(parameters, states):
    return output(parameters, states, normalised=False).tanh()


def lower_value(critics, states, actions):
    pairs = torch.cat([states, actions], -1)
    first, second = (output(one, pairs, normalised=True)[:, 0] for one in critics)
    return torch.minimum(first, second)


def derived(actor, critics):
    """Policy and critics after all updates."""
    learned = [actor, *critics]
    for parameters in learned:
        for parameter in parameters:
            parameter.requires_grad_()
    targets = [[p.detach().clone() for p in parameters] for parameters in learned]
    of_actor = torch.optim.Adam(actor, RATE)
    of_critics = torch.optim.Adam([p for critic in critics for p in critic], RATE)
    (draws,) = generators([0], 100)
    for number in range(UPDATES):
        data = [part[0].double() for part in batch([0], number)]
        states, actions, rewards, following, ended, next_actions, followed = data
        noise = torch.randn((ROWS, ACTIONS), generator=draws).double() * NOISE
        with torch.no_grad():
            chosen = policy(targets[0], following) + noise.clamp(-CLIP, CLIP)
            chosen = chosen.clamp(-1, 1)
            penalty = BETA_2 * (chosen - next_actions).square().sum(-1) * followed
            value = lower_value(targets[1:], following, chosen) - penalty
            wanted = rewards + DISCOUNT * (1 - ended) * value
        pairs = torch.cat([states, actions], -1)
        values = [output(critic, pairs, normalised=True)[:, 0] for critic in critics]
        loss = sum((value - wanted).square().mean() for value in values)
        of_critics.zero_grad()
        loss.backward()
        of_critics.step()
        if number % DELAY != DELAY - 1:
            continue
        chosen = policy(actor, states)
        value = lower_value(critics, states, chosen)
        distance = (chosen - actions).square().sum(-1)
        loss = (BETA_1 * distance - value / value.detach().abs().mean()).mean()
        of_actor.zero_grad()
        loss.backward()
        of_actor.step()
        with torch.no_grad():
            for target, parameters in zip(targets, learned, strict=True):
                for average, parameter in zip(target, parameters, strict=True):
                    average += POLYAK * (parameter - average)
    return [*learned, *targets]


def networks(ours):
    """Policy, both critics, and the targets of these three."""
    found = []
    for actor, critic in (
        (ours.actor, ours.critic),
        (ours.target_actor, ours.target_critic),
    ):
        found += [layers_of(actor, 0), *(layers_of(critic.network, n) for n in (0, 1))]
    return found


def test_weights_are_those_of_the_derivation():
    ours = learner("rebrac", [0], **OPTIONS)
    before = networks(ours)
    actor, *critics = copy.deepcopy(before[:3])
    expected = derived(actor, critics)
    for number in range(UPDATES):
        ours.update(batch([0], number))
    names = [f"{kind}{name}" for kind in ("", "target ") for name in ("π", "Q1", "Q2")]
    for name, one, other, start in zip(
        names, networks(ours), expected, before, strict=True
    ):
        for found, weights, initial in zip(one, other, start, strict=True):
            assert (weights - initial).abs().max() > 1e-4, name
            torch.testing.assert_close(found, weights.detach(), atol=2e-6, rtol=0)
