"""Small tasks and learners of FOCAL and Batch PEARL."""

import torch

from support.offline_problem import ACTIONS, STATES, generators
from trajprompt.offline.meta.batch_pearl import BatchPearl, BatchPearlOptions
from trajprompt.offline.meta.context import TaskTable
from trajprompt.offline.meta.focal import Focal
from trajprompt.offline.meta.options import FocalOptions
from trajprompt.offline.noise import Noise
from trajprompt.offline.protocol import Sizes
from trajprompt.trajectories.transitions import Transitions

KINDS = {"focal": (Focal, FocalOptions), "batch-pearl": (BatchPearl, BatchPearlOptions)}
SMALL = {
    "width": 16,
    "encoder_width": 16,
    "layers": 2,
    "encoder_layers": 2,
    "code": 4,
    "context": 16,
    "batch": 16,
}


def task(number, rows, states=STATES, actions=ACTIONS, reward=None, **columns):
    """Random transitions of a task; ``reward`` is a function of states and actions.

    ``columns`` have one value for all rows.
    """
    draws = torch.Generator().manual_seed(number)
    parts = {
        "states": torch.randn(rows, states, generator=draws),
        "actions": torch.rand(rows, actions, generator=draws) * 2 - 1,
        "rewards": torch.randn(rows, 1, generator=draws),
        "next_states": torch.randn(rows, states, generator=draws),
        "terminations": torch.randint(2, (rows, 1), generator=draws).float(),
        "next_actions": torch.rand(rows, actions, generator=draws) * 2 - 1,
        "followed": torch.randint(2, (rows, 1), generator=draws).float(),
    }
    if reward is not None:
        parts["rewards"] = reward(parts["states"], parts["actions"])[:, None]
    for name, value in columns.items():
        parts[name] = torch.full_like(parts[name], value)
    widths = tuple(part.shape[1] for part in parts.values())
    return Transitions(torch.cat(list(parts.values()), 1), widths)


def random_table(states=STATES, actions=ACTIONS):
    """Three tasks of different sizes."""
    return TaskTable.joined(
        [task(n, 20 + 7 * n, states, actions) for n in range(3)],
    )


def meta_learner(kind, seeds, table=None, states=STATES, actions=ACTIONS, **options):
    cls, made = KINDS[kind]
    sizes = Sizes(len(seeds), states, actions, 20)
    noise = Noise(generators(seeds, 100))
    table = table or random_table(states, actions)
    chosen = made(**{**SMALL, **options})
    return cls(sizes, chosen, table, generators(seeds), noise, "cpu")


def tasks_of(seeds, number, count=4, of=3):
    """Task numbers (T, M) of an update, of each seed by itself."""
    parts = []
    for seed in seeds:
        draws = torch.Generator().manual_seed(1000 * seed + number)
        parts.append(torch.randint(of, (count,), generator=draws))
    return torch.stack(parts)
