"""Play of a Contextual Meta Transformer (a `rollout.loop.Policy`), without planning."""

import numpy as np
import torch
from torch import Tensor

from trajprompt.models.cmt.cached_generator import CachedGenerator
from trajprompt.models.cmt.encoder import History
from trajprompt.models.cmt.model import Cmt
from trajprompt.numerics.stacked_layers import MIN_ROWS


class CmtPlayer:
    """A model that acts in N episodes.

    Every K steps a new window begins: its prompt is encoded from the last H transitions,
    as in training.
    """

    def __init__(self, model: Cmt, mean: Tensor, std: Tensor, rows: int):
        config, device = model.config, mean.device
        self.model, self.mean, self.std = model, mean, std
        self.window, self.rows = config.context_length, rows
        rows = max(rows, MIN_ROWS)  # so that a row's bits do not depend on the others
        # The last H transitions, the newest last.
        self.states = torch.zeros(rows, config.history, config.state_dim, device=device)
        self.actions = torch.zeros(rows, config.history, config.action_dim, device=device)
        self.rewards = torch.zeros(rows, config.history, device=device)
        self.mask = torch.zeros(rows, config.history, dtype=torch.bool, device=device)
        self.cache: CachedGenerator | None = None
        self.taken: tuple[Tensor, Tensor] | None = None  # newest state and action

    @torch.no_grad()
    def act(self, observations: np.ndarray) -> np.ndarray:
        """Actions (N, A) for observations (N, S)."""
        states = (self._padded(observations) - self.mean) / self.std
        if self.cache is None or self.cache.steps == self.window:
            history = History(self.states, self.actions, self.rewards, self.mask)
            self.cache = CachedGenerator(self.model.generator, self.model.prompts(history))
        actions, _ = self.cache.add_state(states)
        self.taken = states, actions
        return actions[: self.rows].cpu().numpy()

    @torch.no_grad()
    def receive(self, rewards: np.ndarray) -> None:
        """Take the rewards (N,) of the newest actions."""
        assert self.cache is not None and self.taken is not None
        scaled = self._padded(rewards) / self.model.reward_scale
        states, actions = self.taken
        self.cache.add_action(actions)
        self.cache.add_reward(scaled)
        for past, newest in (
            (self.states, states),
            (self.actions, actions),
            (self.rewards, scaled),
            (self.mask, torch.ones_like(scaled, dtype=torch.bool)),
        ):
            past.copy_(past.roll(-1, 1))
            past[:, -1] = newest

    def _padded(self, values: np.ndarray) -> Tensor:
        """Values (N, ..) as float32, with rows of zeros up to the number of rows."""
        padded = self.mean.new_zeros(len(self.mask), *np.shape(values)[1:])
        padded[: self.rows] = torch.from_numpy(np.asarray(values, np.float32))
        return padded
