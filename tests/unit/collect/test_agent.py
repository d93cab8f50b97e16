"""Stacked agents: the tasks of a stack do not influence each other."""

import pytest
import torch

from support.collection import generator, random_batch
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
