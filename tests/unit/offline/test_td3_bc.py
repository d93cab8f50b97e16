"""TD3+BC: its limit without values, and what its delay leaves alone."""

import torch

from support.offline_problem import batch, learner


def test_without_value_it_has_the_gradient_of_cloning():
    ours, cloning = learner("td3-bc", [3], alpha=0.0, policy_delay=1), learner("bc", [3])
    ours.update(batch([3]))
    cloning.update(batch([3]))
    found, expected = (one.optimisers["actor"].vector.grad for one in (ours, cloning))
    assert expected.abs().max() > 1e-3
    torch.testing.assert_close(found, expected)


def test_without_value_it_imitates():
    ours, cloning = learner("td3-bc", [3], alpha=0.0, policy_delay=1), learner("bc", [3])
    for number in range(5):
        ours.update(batch([3], number))
        cloning.update(batch([3], number))
    for a, b in zip(ours.actor.parameters(), cloning.actor.parameters(), strict=True):
        torch.testing.assert_close(a, b)


def test_with_a_small_weight_of_the_value_the_gradient_is_close_to_that_of_cloning():
    ours, cloning = learner("td3-bc", [3], alpha=1e-4, policy_delay=1), learner("bc", [3])
    ours.update(batch([3]))
    cloning.update(batch([3]))
    found, expected = (one.optimisers["actor"].vector.grad for one in (ours, cloning))
    assert 0 < (found - expected).norm() < 1e-2 * expected.norm()


def test_the_weight_of_the_value_does_not_depend_on_its_scale():
    """Eq. 5 divides by the mean absolute value: twice the values, the same loss."""
    ours = learner("td3-bc", [0])
    data = batch([0])
    actions = ours.actor(data.states).tanh()
    before = ours._actor_loss(actions, data)
    with torch.no_grad():
        last = ours.critic.network.layers[-1]
        last.weight.mul_(2)
        last.bias.mul_(2)
    torch.testing.assert_close(ours._actor_loss(actions, data), before)


def test_policy_and_targets_wait_for_the_delayed_update():
    ours = learner("td3-bc", [0], policy_delay=3)
    vectors = [ours.optimisers["actor"].vector, *ours.averages.values()]
    before = [vector.clone() for vector in vectors]
    for number, moved in enumerate([False, False, True]):
        losses = ours.update(batch([0], number))
        assert ("actor" in losses) == moved
        for vector, old in zip(vectors, before, strict=True):
            assert torch.equal(vector, old) != moved
