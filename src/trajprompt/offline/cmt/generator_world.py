"""The frozen generator as the model in which plans are made."""

import torch
from torch import Tensor

from trajprompt.models.cmt.cached_generator import CachedGenerator
from trajprompt.models.cmt.model import Cmt


class GeneratorWorld:
    """Plans in the generator (a `planner.World`). Values have the scale of rewards."""

    def __init__(self, model: Cmt, cache: CachedGenerator, states: Tensor):
        """Plans that continue the windows of ``cache`` (N) at ``states`` (N, S)."""
        self.model, self.cache, self.states = model, cache, states

    def propose(self) -> tuple[Tensor, Tensor]:
        actions, values = self.cache.add_state(self.states)
        return actions, values / (1 - self.model.config.discount)

    def advance(self, actions: Tensor) -> Tensor:
        rewards = self.cache.add_action(actions)
        changes = self.cache.add_reward(rewards) * self.model.change_scale
        self.states = self.states + changes
        return rewards

    def select(self, rows: Tensor) -> "GeneratorWorld":
        states = self.states.index_select(0, rows)
        return GeneratorWorld(self.model, self.cache.select(rows), states)


@torch.no_grad()
def world_of(
    model: Cmt,
    prompts: Tensor,
    states: Tensor,
    actions: Tensor,
    rewards: Tensor,
) -> GeneratorWorld:
    """The world at the last of ``states`` (N, j + 1, S), after j steps of a window.

    Actions are (N, j, A), rewards (N, j), prompts (N, Z).
    """
    cache = CachedGenerator(model.generator, prompts)
    for step in range(actions.shape[1]):
        cache.add_state(states[:, step])
        cache.add_action(actions[:, step])
        cache.add_reward(rewards[:, step])
    return GeneratorWorld(model, cache, states[:, -1])
