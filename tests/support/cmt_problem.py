"""Small models, episodes and windows of the Contextual Meta Transformer."""

import numpy as np
import torch

from trajprompt.models.cmt.config import CmtConfig
from trajprompt.models.cmt.encoder import History
from trajprompt.models.cmt.model import Cmt
from trajprompt.offline.cmt.windows import WindowTable
from trajprompt.trajectories.episodes import TaskTrajectories

STATES, ACTIONS = 3, 2
HISTORY, LENGTH = 6, 5
DISCOUNT = 0.9


def config(**changes):
    sizes = {"width": 16, "encoder_layers": 2, "generator_layers": 2, "prompt_dim": 8}
    sizes |= {"history": HISTORY, "context_length": LENGTH}
    sizes |= {"discount": DISCOUNT}
    sizes |= {"state_dim": STATES, "action_dim": ACTIONS}
    return CmtConfig(**{**sizes, **changes})


def model(seed=0, noise=0.3, **changes):
    """A model whose weights are large enough that every input matters."""
    torch.manual_seed(seed)
    made = Cmt(config(**changes))
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(noise * torch.randn_like(parameter))
    return made.eval()


def episodes(lengths=(4, 11, 23), seed=0):
    """Episodes with random values; the middle ones terminate."""
    g = np.random.default_rng(seed)
    steps, ends = sum(lengths), np.cumsum(lengths)
    return TaskTrajectories(
        task=0,
        goal=np.zeros(1),
        observations=g.standard_normal((steps, STATES)).astype(np.float32),
        actions=g.uniform(-1, 1, (steps, ACTIONS)).astype(np.float32),
        rewards=g.standard_normal(steps).astype(np.float32),
        terminations=np.zeros(steps, bool),
        episode_ends=ends,
        final_observations=g.standard_normal((len(ends), STATES)).astype(np.float32),
        behaviour_step=np.zeros(len(ends), np.int64),
    )


def table(task=None, length=LENGTH):
    task = task or episodes()
    mean, std = np.zeros(STATES), np.ones(STATES)
    return WindowTable.of(task, mean, std, DISCOUNT, HISTORY, length, "cpu")


def history(rows=4, seed=0, valid=HISTORY):
    """Histories whose last ``valid`` transitions are no padding."""
    g = torch.Generator().manual_seed(seed)
    mask = (torch.arange(HISTORY) >= HISTORY - valid).expand(rows, -1)
    return History(
        torch.randn(rows, HISTORY, STATES, generator=g),
        torch.rand(rows, HISTORY, ACTIONS, generator=g) * 2 - 1,
        torch.randn(rows, HISTORY, generator=g),
        mask,
    )


def window(rows=4, seed=1):
    """States, actions and rewards of windows."""
    g = torch.Generator().manual_seed(seed)
    return (
        torch.randn(rows, LENGTH, STATES, generator=g),
        torch.rand(rows, LENGTH, ACTIONS, generator=g) * 2 - 1,
        torch.randn(rows, LENGTH, generator=g),
    )
