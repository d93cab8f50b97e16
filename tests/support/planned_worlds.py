"""Worlds in which plans have known scores: a linear one, and the simulator itself."""

import numpy as np
import torch

from trajprompt.tasks.registry import make_simulator


class LineWorld:
    """s' = s + a and r = -(s - target)² after the step; a row's policy is constant.

    ``taken`` (N, steps, A) are the actions so far, for checks.
    """

    def __init__(self, states, constants, target=0.0, taken=None):
        self.states, self.constants, self.target = states, constants, target
        self.taken = torch.zeros(len(states), 0, 1) if taken is None else taken

    def propose(self):
        return self.constants[:, None], -((self.states - self.target) ** 2)

    def advance(self, actions):
        self.states = self.states + actions[:, 0]
        self.taken = torch.cat([self.taken, actions[:, None]], 1)
        return -((self.states - self.target) ** 2)

    def select(self, rows):
        parts = self.states[rows], self.constants[rows], self.target, self.taken[rows]
        return LineWorld(*parts)


class SimulatorWorld:
    """A suite's simulator as the model, a linear policy, and a value of zero."""

    def __init__(self, suite, state, observations, weights, total=None):
        self.suite, self.weights = suite, weights
        self.simulator = make_simulator(suite, np.zeros(len(observations), np.int64))
        self.simulator.reset(np.zeros(len(observations), np.int64))
        self.simulator.restore(state)
        self.kept = {name: np.array(values) for name, values in state.items()}
        self.observations = observations

    def propose(self):
        actions = torch.tanh(torch.from_numpy(self.observations) @ self.weights)
        return actions, torch.zeros(len(actions))

    def advance(self, actions):
        step = self.simulator.step(actions.numpy())
        self.observations = step.observations
        self.kept = {n: np.array(v) for n, v in self.simulator.state().items()}
        return torch.from_numpy(step.rewards).float()

    def select(self, rows):
        at = rows.numpy()
        state = {name: values[at] for name, values in self.kept.items()}
        return SimulatorWorld(self.suite, state, self.observations[at], self.weights)
