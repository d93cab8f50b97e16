"""Collection loop: all rows act in lockstep, and the agents learn between steps."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from trajprompt.artifacts.checkpoint import Checkpoint
from trajprompt.collect.agent import Agent
from trajprompt.collect.options import LoopOptions
from trajprompt.collect.perspective import Perspective, Transition, as_tensor
from trajprompt.collect.recorder import BufferRecorder
from trajprompt.collect.replay import ReplayBuffer
from trajprompt.errors import TrajpromptError
from trajprompt.seeds import stream, torch_generator
from trajprompt.tasks.simulator import Simulator


class Schedule(NamedTuple):
    """Number of lockstep steps, and the limits of the random and the greedy phase."""

    total: int
    random_until: int
    greedy_from: int

    def progress(self, now: int) -> float:
        """Share of the learning phase that is over at step ``now`` of that phase."""
        return (now - self.random_until) / (self.greedy_from - self.random_until)


def schedule(options: LoopOptions, horizon: int) -> Schedule:
    """Schedule of a collection with episodes of ``horizon`` steps."""
    rounds = [
        options.rounds(episodes) * horizon
        for episodes in (
            options.episodes_per_task,
            options.random_episodes,
            options.greedy_episodes,
        )
    ]
    return Schedule(rounds[0], rounds[1], rounds[0] - rounds[2])


class Collection:
    """Collection in progress: simulator, agents, replay buffer and generators.

    It is a `checkpoint.Resumable`: everything that changes from step to step is part of
    `state`, so a resumed collection gives bit-identical results.
    """

    def __init__(
        self,
        simulator: Simulator,
        agent: Agent,
        perspective: Perspective,
        options: LoopOptions,
        device: str,
        seed: int,
    ):
        suite = simulator.suite
        self.simulator, self.agent, self.perspective = simulator, agent, perspective
        self.options, self.device = options, device
        self.phases = schedule(options, suite.horizon)
        self.generator = np.random.default_rng(stream(seed, "collect", suite.name, "rows"))
        sampling = stream(seed, "collect", suite.name, "batches")
        self.sampling = torch_generator(sampling, device)
        self.generators = {"batches": self.sampling, **perspective.generators}
        steps, rows = self.phases.total, simulator.rows
        self.recorder = BufferRecorder(suite, simulator.tasks, steps)
        sizes = (perspective.features, suite.action_dim, perspective.extra)
        self.replay = ReplayBuffer(self.phases.greedy_from, rows, *sizes, device)
        self.ages = np.zeros(rows, np.int64)  # steps in the current episodes
        self._set_observations(simulator.reset(self._reset_seeds()))

    def run(self, checkpoint: Checkpoint) -> BufferRecorder:
        """Collect and learn, or resume; return the recorder of all steps."""
        label = f"collect {self.simulator.suite.name}"
        for now in checkpoint.steps(self.phases.total, self, label):
            self.advance(now)
        return self.recorder

    def state(self) -> dict[str, Any]:
        return {
            "simulator": self.simulator.state(),
            "agent": self.agent.state(),
            "recorder": self.recorder.state(),
            "replay": self.replay.state(),
            "ages": self.ages,
            "observations": self.observations,
            "rows": json.dumps(self.generator.bit_generator.state),
            "generators": {
                name: generator.get_state() for name, generator in self.generators.items()
            },
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        for name in ("simulator", "agent", "recorder", "replay"):
            getattr(self, name).restore(state[name])
        self.ages[:] = state["ages"]
        self._set_observations(state["observations"])
        self.generator.bit_generator.state = json.loads(state["rows"])
        for name, generator in self.generators.items():
            generator.set_state(torch.as_tensor(state["generators"][name]))

    def _set_observations(self, observations: np.ndarray) -> None:
        """Set the current observations (N, S) and the agent's features (N, F)."""
        self.observations = observations
        features = self.perspective.observe(observations)
        self.features = as_tensor(features, self.device)

    def advance(self, now: int) -> None:
        """Do control step ``now`` of all rows, and the updates due after it."""
        before, features = self.observations, self.features
        actions = self._act(features, now)
        step = self.simulator.step(actions)
        self.recorder.add(before, actions, step.rewards, step.terminations)
        self._set_observations(step.observations)
        if now < self.phases.greedy_from:
            transition = Transition(
                before, actions, step.rewards, step.observations, step.terminations
            )
            self._add_to_replay(transition, features, self.features)
            self._learn(now)
        self.ages += 1
        ended = step.terminations | (self.ages == self.simulator.suite.horizon)
        if ended.any():
            self._restart(ended)

    def _restart(self, ended: np.ndarray) -> None:
        """Start new episodes in the rows of the mask ``ended`` (N,)."""
        self.recorder.close(ended, self.observations)
        self._set_observations(self.simulator.reset(self._reset_seeds(), ended))
        self.ages[ended] = 0

    def _act(self, features: Tensor, now: int) -> np.ndarray:
        """Actions (N, A): uniform, exploring or greedy, depending on the phase."""
        shape = (self.simulator.rows, self.simulator.suite.action_dim)
        if now < self.phases.random_until:
            return self.generator.uniform(-1, 1, shape).astype(np.float32)
        explore = now < self.phases.greedy_from
        actions = self.agent.act(self.perspective.policy_inputs(features), explore)
        values = actions.reshape(shape).cpu().numpy()
        if not np.isfinite(values).all():  # after a non-finite loss in the last updates
            where = f"collect {self.simulator.suite.name}: step {now}"
            remedy = "lower the learning rate or change the seed"
            raise TrajpromptError(
                where, "found actions of NaN or infinity", "finite actions", remedy
            )
        return self.perspective.to_simulator(values)

    def _add_to_replay(
        self, transition: Transition, features: Tensor, following: Tensor
    ) -> None:
        columns = (
            self.perspective.to_agent(transition.actions),
            self.perspective.rewards(transition),
            transition.terminations,
            self.perspective.extras(transition),
        )
        actions, rewards, terminations, extra = (as_tensor(c, self.device) for c in columns)
        self.replay.add(features, actions, rewards, following, terminations, extra)

    def _learn(self, now: int) -> None:
        """Do the updates due after step ``now``; none in the random phase."""
        if now < self.phases.random_until:
            return
        self.agent.set_learning_rate(self.phases.progress(now))
        rate = self.options.updates_per_step
        for _ in range(int((now + 1) * rate) - int(now * rate)):
            batch, extra, rows = self.replay.sample(
                self.perspective.stack, self.agent.batch, self.sampling
            )
            self.agent.update(self.perspective.training_batch(batch, extra, rows))

    def _reset_seeds(self) -> np.ndarray:
        return self.generator.integers(2**31, size=self.simulator.rows)
