"""BRAC-v: the divergence between Gaussians, and the limit of its large weight."""

import pytest
import torch

from support.offline_problem import ACTIONS, batch, learner
from trajprompt.numerics.tanh_gaussian import log_density, squash
from trajprompt.offline.algorithms import brac_v


@pytest.mark.parametrize(
    "mean, std, divergence",
    [(0.5, 1.0, 0.125), (0.0, 0.5, 0.318147), (0.3, 0.5, 0.363147)],
)
def test_the_divergence_of_squashed_gaussians_is_that_of_the_gaussians(
    mean, std, divergence
):
    """KL(N(mean, std) || N(0, 1)) = -log std + (std² + mean² - 1) / 2; tanh keeps it."""
    noise = torch.randn(400_000, 1, generator=torch.Generator().manual_seed(0))
    zero = torch.zeros(1)
    actions, log_probs = squash(torch.tensor([mean]), torch.tensor([std]).log(), noise)
    found = (log_probs - log_density(actions, zero, zero)).mean()
    assert found.item() == pytest.approx(divergence, abs=5e-3)


def same_everywhere(network, mean, raw):
    """Give a policy's last layer outputs that do not depend on the state."""
    with torch.no_grad():
        network.layers[-1].weight.zero_()
        network.layers[-1].bias[..., :ACTIONS] = mean
        network.layers[-1].bias[..., ACTIONS:] = raw


def test_the_sampled_divergence_of_the_policy_from_its_clone():
    """Equal log standard deviations of -2.5: mean shift of 0.1, sum over two actions."""
    ours = learner("brac-v", [0], samples=2000)
    same_everywhere(ours.actor, 0.1, 0.0)
    same_everywhere(ours.behaviour, 0.0, 0.0)
    _, divergence = ours._sample(batch([0]).states)
    std = torch.tensor(brac_v.LOG_STD_RANGE).mean().exp().item()
    expected = ACTIONS * 0.5 * (0.1 / std) ** 2
    assert divergence.mean().item() == pytest.approx(expected, rel=0.02)


def test_the_penalty_lowers_the_targets_of_values():
    """With alpha, a target loses alpha times discount times the divergence."""
    data = batch([0])._replace(terminations=torch.zeros(1, 16))
    found = {}
    for alpha in (0.0, 0.1):
        ours = learner("brac-v", [0], updates=1, alpha=alpha, clone_share=0.0, discount=0.5)
        same_everywhere(ours.actor, 0.1, 0.0)
        same_everywhere(ours.behaviour, 0.0, 0.0)
        with torch.no_grad():
            for network in (ours.critic, ours.target_critic):
                network.network.layers[-1].weight.zero_()
                network.network.layers[-1].bias.zero_()
        state = ours.noise.state()
        _, divergence = ours._sample(data.next_states)
        ours.noise.restore(state)
        targets = data.rewards - 0.5 * alpha * divergence
        found[alpha] = ours._update_critic(data)
        torch.testing.assert_close(found[alpha], 2 * targets.square().mean(-1))
    assert not torch.equal(found[0.0], found[0.1])


def distance_to_clone(alpha):
    options = {"alpha": alpha, "clone_share": 0.3, "warm_share": 0.0}
    rates = {"policy_rate": 3e-3, "clone_rate": 3e-3}
    ours = learner("brac-v", [0], updates=600, **options, **rates)
    for number in range(600):
        ours.update(batch([0], number % 4))
    states = torch.cat([batch([0], number).states for number in range(4)], 1)
    pair = (brac_v._gaussian(one, states)[0].tanh() for one in (ours.actor, ours.behaviour))
    return (next(pair) - next(pair)).square().mean().item()


def test_a_large_weight_of_the_divergence_keeps_the_clone():
    kept, free = distance_to_clone(1e3), distance_to_clone(0.0)
    assert kept < 0.02 < 0.1 < free


def direct(network, states, actions):
    """Values (2, B) of both critics of a stack of one, layer by layer."""
    values = []
    for member in (0, 1):
        x = torch.cat([states, actions], -1)
        *hidden, last = network.network.layers
        for layer in hidden:
            x = (x @ layer.weight[member] + layer.bias[member]).clamp(min=0)
        values.append((x @ last.weight[member] + last.bias[member])[:, 0])
    return torch.stack(values)


# Of 100 updates 50 clone, and 10 of the others only imitate.
PHASES = {"updates": 100, "clone_share": 0.5, "warm_share": 0.2, "target_rate": 0.125}
WARM_UNTIL = 60


def before_update(number, **options):
    """A learner whose next update is ``number``, with targets unlike its critics.

    Both critics have a mean value of 0 in a batch, so that each is the smaller one in
    some of its states.
    """
    ours, data = learner("brac-v", [0], **PHASES, **options), batch([0])
    ours.done = number - 1
    with torch.no_grad():
        values = direct(ours.critic, data.states[0], data.actions[0])
        ours.critic.network.layers[-1].bias.sub_(values.mean(1).view(2, 1, 1))
        ours.averages["critic"].copy_(0.5 * ours.optimisers["critic"].vector)
    return ours


def sample(ours, states):
    """The actions and the divergence that the learner will draw next."""
    state = ours.noise.state()
    actions, divergence = ours._sample(states)
    ours.noise.restore(state)
    return actions[0, :, 0].detach(), divergence[0].detach()


@pytest.mark.parametrize("number", [WARM_UNTIL - 1, WARM_UNTIL, WARM_UNTIL + 1])
def test_the_policy_only_imitates_until_the_warm_start_ends(number):
    """Then its loss loses the smaller of the two values."""
    ours, data = before_update(number, alpha=0.3), batch([0])
    assert ours.warm_until == WARM_UNTIL
    ours.done = number
    actions, divergence = sample(ours, data.states)
    values = direct(ours.critic, data.states[0], actions)
    assert 0 < (values.argmin(0) == 0).sum() < len(divergence)
    expected = 0.3 * divergence.mean()
    if number > WARM_UNTIL:
        expected = expected - values.amin(0).mean()
    torch.testing.assert_close(ours._update_actor(data)[0], expected)


def test_the_critics_loss_is_the_direct_formula():
    ours, data = before_update(WARM_UNTIL + 1, alpha=0.3, discount=0.9), batch([0])
    states, actions, rewards, following, ended, _, _ = (part[0] for part in data)
    chosen, divergence = sample(ours, data.next_states)
    values = direct(ours.target_critic, following, chosen).amin(0) - 0.3 * divergence
    target = rewards + 0.9 * (1 - ended) * values
    found = direct(ours.critic, states, actions)
    expected = (found - target).square().mean(-1).sum()
    torch.testing.assert_close(ours._update_critic(data)[0], expected)


def test_one_update_is_one_polyak_step():
    ours = before_update(WARM_UNTIL + 1)
    before = ours.averages["critic"].clone()
    ours.update(batch([0]))
    after = ours.optimisers["critic"].vector.detach()
    expected = before + 0.125 * (after - before)
    torch.testing.assert_close(ours.averages["critic"], expected)


@pytest.mark.parametrize("number", [50, 51, WARM_UNTIL, WARM_UNTIL + 1])
def test_an_update_belongs_to_the_phase_of_its_number(number):
    """The first 50 updates clone; values join the policy's loss from update 61 on."""
    ours, data = before_update(number, alpha=0.0), batch([0])
    losses = ours.update(data)
    assert losses.keys() == ({"behaviour"} if number <= 50 else {"critic", "actor"})
    if number > 50:
        assert (losses["actor"] != 0).item() == (number > WARM_UNTIL)
