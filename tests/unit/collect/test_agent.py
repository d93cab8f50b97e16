"""Stacked agents: independence of the tasks of a stack, and the learning rate."""

import pytest
import torch

from support.collection import generator, random_batch
from trajprompt.collect.agent import rate_share
from trajprompt.collect.options import SacOptions, Td3Options
from trajprompt.collect.sac import SAC
from trajprompt.collect.td3 import TD3


@pytest.mark.parametrize("agent_class, options", [(SAC, SacOptions), (TD3, Td3Options)])
def test_tasks_of_a_stack_do_not_influence_each_other(agent_class, options):
    def values_of_first_task(other: float) -> torch.Tensor:
        chosen = options(width=8, batch=16)
        agent = agent_class(2, 5, 2, chosen, "cpu", generator(), generator(1))
        for index in range(4):
            batch = random_batch(2, seed=index)
            batch.rewards[1] = other
            agent.update(batch)
        return agent.critic(batch.features, batch.actions)[:, 0]

    assert torch.equal(values_of_first_task(0.0), values_of_first_task(100.0))


@pytest.mark.parametrize(
    ("progress", "share"), [(0.0, 1.0), (0.5, 1.0), (0.75, 0.6), (1.0, 0.2)]
)
@pytest.mark.parametrize("agent_class, options", [(SAC, SacOptions), (TD3, Td3Options)])
def test_the_rate_is_constant_then_falls_linearly(agent_class, options, progress, share):
    chosen = options(width=8, batch=16, learning_rate=0.01, final_rate=0.2)
    agent = agent_class(1, 5, 2, chosen, "cpu", generator(), generator(1))
    agent.set_learning_rate(progress)
    for optimiser in agent.optimisers.values():
        assert optimiser.learning_rate == pytest.approx(0.01 * share)
    assert rate_share(progress, 1.0) == 1.0


def test_a_step_is_as_long_as_the_rate_says():
    """Adam's first step has the length of its rate in every dimension with a gradient."""
    chosen = SacOptions(width=8, batch=16, learning_rate=0.01, final_rate=0.1)
    agent = SAC(1, 5, 2, chosen, "cpu", generator(), generator(1))
    before = agent.critic_vector.clone()
    agent.set_learning_rate(1.0)
    agent.update(random_batch(1))
    assert (agent.critic_vector - before).abs().max() == pytest.approx(0.001, rel=1e-3)
