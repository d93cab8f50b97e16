"""Weights, batches and noise with which CORL's algorithms and ours are compared.

All are drawn by NumPy, so that the fixture holds results only.
"""

import itertools
import zlib

import numpy as np

STATES, ACTIONS, ROWS, SAMPLES = 3, 2, 16, 4
WIDTH, UPDATES = 256, 18  # CORL's policies have this width
RATE = 1e-3  # of critics and values, larger than CORL's so that 18 updates show
POLICY_RATE = 3e-4  # of CQL's policy and temperature
ACTOR_PENALTY, CRITIC_PENALTY = (
    0.4,
    0.3,
)  # of ReBRAC, larger than CORL's for the same reason
NAMES = ("bc", "td3-bc", "iql", "iql-deterministic", "cql")  # in PyTorch; ReBRAC is in JAX
HIDDEN = {"cql": 3, "rebrac": 3}  # hidden layers, otherwise 2


def stream(*names):
    return np.random.default_rng(zlib.crc32("/".join(map(str, names)).encode()))


def layers(name, network):
    """Weights (inputs, outputs) and biases (outputs,) of each layer of a network."""
    inputs, outputs = {
        "actor": (STATES, ACTIONS * (2 if name == "cql" else 1)),
        "value": (STATES, 1),
    }.get(network, (STATES + ACTIONS, 1))
    sizes = [inputs, *[WIDTH] * HIDDEN.get(name, 2), outputs]
    draws = stream("weights", name, network)
    return [
        (
            draws.uniform(-1, 1, (i, o)).astype(np.float32) / np.float32(i**0.5),
            draws.uniform(-1, 1, o).astype(np.float32) / np.float32(i**0.5),
        )
        for i, o in itertools.pairwise(sizes)
    ]


def batch(number):
    """States, actions, rewards, next states and terminations of one update."""
    draws = stream("batch", number)
    parts = [
        draws.standard_normal((ROWS, STATES)),
        draws.uniform(-1, 1, (ROWS, ACTIONS)),
        draws.standard_normal(ROWS),
        draws.standard_normal((ROWS, STATES)),
        draws.integers(0, 2, ROWS),
    ]
    return [part.astype(np.float32) for part in parts]


def next_actions(number):
    """Logged next actions of one update, for ReBRAC."""
    found = stream("next actions", number).uniform(-1, 1, (ROWS, ACTIONS))
    return found.astype(np.float32)


def noise(number):
    """Random numbers of one update by their use."""
    draws, one, several = stream("noise", number), (ROWS, ACTIONS), (ROWS, SAMPLES, ACTIONS)
    found = {
        "policy": draws.standard_normal(one),  # actions for the policy's loss
        "following": draws.standard_normal(one),  # target actions
        "uniform": draws.uniform(-1, 1, several),
        "current": draws.standard_normal(several),
        "next": draws.standard_normal(several),
    }
    return {use: values.astype(np.float32) for use, values in found.items()}


def checksum(values):
    """Sum and sum of squares."""
    values = np.asarray(values, np.float64)
    return [float(values.sum()), float((values**2).sum())]
