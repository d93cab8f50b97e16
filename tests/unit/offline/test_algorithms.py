"""Offline algorithms: independence of the stack, resuming, and time limits."""

import pytest
import torch

from support.offline_problem import batch, learner, transitions
from trajprompt.offline.registry import OFFLINE_KINDS


def require_independence(kind, seed, updates, shape=None, **options):
    """Learn ``seed`` alone and in a stack of three; require equal bits.

    ``shape`` has the sizes of a batch, of which states and actions are the learner's too.
    """
    shape, several = shape or {}, [0, 1, 2]
    sizes = {name: shape[name] for name in shape.keys() - {"rows"}}
    small = learner(kind, [seed], updates, **sizes, **options)
    large = learner(kind, several, updates, **sizes, **options)
    for number in range(updates):
        expected = large.update(batch(several, number, **shape))
        for name, loss in small.update(batch([seed], number, **shape)).items():
            assert torch.equal(loss[0], expected[name][seed]), (number, name)
    for ours, theirs in zip(
        small.actor.parameters(), large.actor.parameters(), strict=True
    ):
        assert torch.equal(ours[0], theirs[seed])


@pytest.mark.parametrize("kind", OFFLINE_KINDS)
def test_a_seeds_bits_do_not_depend_on_its_stack(kind):
    require_independence(kind, 1, 12)


@pytest.mark.parametrize("layers", [2, 3])
@pytest.mark.parametrize("kind", OFFLINE_KINDS)
def test_a_seeds_bits_do_not_depend_on_its_stack_at_the_laptop_runs_size(kind, layers):
    """Width and batch decide how a matrix product is split; 11 and 3 are the hopper's."""
    shape = {"states": 11, "actions": 3, "rows": 128}
    require_independence(kind, 1, 6, shape, width=128, layers=layers)


@pytest.mark.parametrize("kind", OFFLINE_KINDS)
def test_a_restored_learner_continues_with_the_same_bits(kind):
    straight, stopped = learner(kind, [0, 1]), learner(kind, [0, 1])
    for number in range(10):
        straight.update(batch([0, 1], number))
        stopped.update(batch([0, 1], number))
    resumed = learner(kind, [5, 6])
    resumed.restore(stopped.state())
    for number in range(10, 16):
        expected = straight.update(batch([0, 1], number))
        found = resumed.update(batch([0, 1], number))
        assert all(torch.equal(found[name], loss) for name, loss in expected.items())


# Options with which the values of the policy's actions decide nothing but targets.
OPTIONS = {
    "iql": {},
    "td3-bc": {},
    "rebrac": {"critic_penalty": 0.0},
    "cql": {"alpha": 0.0, "samples": 1},
    "brac-v": {"alpha": 0.0, "clone_share": 0.0, "warm_share": 0.0},
}


def two_steps(terminates):
    """A state that leads to a second one; a reward of 1 there, then the episode is over.

    It ends by a termination, or by a time limit, after which the second state continues.
    Actions are random and have no effect, so all actions have the same value.
    """
    rows = [(0, 0.0, 0.0, 1, 0.0), (1, 0.0, 1.0, 1, float(terminates))]
    data = transitions(rows * 32)
    draws = torch.Generator().manual_seed(0)
    return data._replace(actions=torch.rand(data.actions.shape, generator=draws) * 2 - 1)


def test_each_algorithm_with_a_critic_has_options_here():
    """Those with no values of actions, such as bc, are not tested below."""
    with_critic = {kind for kind in OFFLINE_KINDS if hasattr(learner(kind, [0]), "critic")}
    assert with_critic == OPTIONS.keys()


@pytest.mark.parametrize("kind", OPTIONS)
@pytest.mark.parametrize("terminates, value", [(True, 1.0), (False, 2.0)])
def test_a_time_limit_is_not_a_termination(kind, terminates, value):
    """With a discount of 0.5, a second state that continues is worth 1 + 0.5 + 0.25 + …."""
    options = {"discount": 0.5, "target_rate": 0.05, "learning_rate": 0.01}
    found = learner(kind, [0], updates=400, **options, **OPTIONS[kind])
    data = two_steps(terminates)
    for _ in range(400):
        found.update(data)
    values = found.critic(data.states, data.actions).view(2, -1, 2).mean(1)
    expected = torch.tensor([value / 2, value]).expand(2, 2)
    torch.testing.assert_close(values, expected, atol=0.05, rtol=0)
