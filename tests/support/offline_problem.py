"""Small learners and batches of the offline algorithms."""

import numpy as np
import torch

from trajprompt.offline.noise import Noise
from trajprompt.offline.protocol import Sizes
from trajprompt.offline.registry import get_algorithm
from trajprompt.trajectories.transitions import Batch

STATES, ACTIONS, ROWS = 3, 2, 16


def generators(seeds, start=0):
    return [torch.Generator().manual_seed(start + seed) for seed in seeds]


def batch(seeds, number=0, states=STATES, actions=ACTIONS, rows=ROWS):
    """A batch for each seed, which does not depend on the others."""
    parts = []
    for seed in seeds:
        g = np.random.default_rng([seed, number])
        drawn = (
            g.standard_normal((rows, states)),
            g.uniform(-1, 1, (rows, actions)),
            g.standard_normal(rows),
            g.standard_normal((rows, states)),
            g.integers(0, 2, rows),
            g.uniform(-1, 1, (rows, actions)),
            g.integers(0, 2, rows),
        )
        parts.append([torch.tensor(values, dtype=torch.float32) for values in drawn])
    return Batch(*map(torch.stack, zip(*parts, strict=True)))


def learner(kind, seeds, updates=20, states=STATES, actions=ACTIONS, **options):
    algorithm = get_algorithm(kind)
    chosen = algorithm.options(**{"width": 16, **options})
    sizes = Sizes(len(seeds), states, actions, updates)
    noise = Noise(generators(seeds, 100))
    return algorithm.learner(sizes, chosen, generators(seeds), noise, "cpu")


def transitions(rows):
    """Batch of one seed from rows (state, action, reward, next state, terminated).

    States are indices of unit vectors. An action is the first component of a vector whose
    others are 0. Rows are repeated to at least `ROWS`.
    """
    rows = rows * -(-ROWS // len(rows))
    states, chosen, rewards, following, ended = map(list, zip(*rows, strict=True))
    actions = torch.zeros(1, len(rows), ACTIONS)
    actions[0, :, 0] = torch.tensor(chosen)
    unit, none = torch.eye(STATES), torch.zeros(1, len(rows))
    numbers = torch.tensor(rewards)[None], torch.tensor(ended)[None]
    ends = unit[states][None], unit[following][None]
    return Batch(ends[0], actions, numbers[0], ends[1], numbers[1], actions, none)
