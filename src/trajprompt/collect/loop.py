"""The collection loop: all rows act in lockstep, and the agents learn between steps."""

from typing import NamedTuple, Protocol

import numpy as np
from torch import Tensor

from trajprompt.collect.options import LoopOptions
from trajprompt.collect.perspective import Perspective, Transition, as_tensor
from trajprompt.collect.recorder import Recorder
from trajprompt.collect.replay import Batch, ReplayBuffer
from trajprompt.errors import TrajpromptError
from trajprompt.progress import progress
from trajprompt.seeds import stream, torch_generator
from trajprompt.tasks.simulator import Simulator


class Agent(Protocol):
    """SAC or TD3 on a stack of networks."""

    batch: int  # transitions per network and update

    def act(self, features: Tensor, explore: bool) -> Tensor: ...

    def update(self, batch: Batch) -> None: ...


class Schedule(NamedTuple):
    """Lockstep steps: how many in all, and where the first and the last phase end."""

    total: int
    random_until: int
    greedy_from: int


def schedule(options: LoopOptions, horizon: int) -> Schedule:
    """Phases of a collection, in lockstep steps."""
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
    """One collection in progress: simulator, agents, memory and random streams."""

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
        steps, rows = self.phases.total, simulator.rows
        self.recorder = Recorder(suite, simulator.tasks, steps)
        sizes = (perspective.features, suite.action_dim, perspective.extra)
        self.replay = ReplayBuffer(self.phases.greedy_from, rows, *sizes, device)

    def run(self) -> Recorder:
        """Collect and learn; returns the full buffer."""
        observations = self.simulator.reset(self._reset_seeds())
        features = self._look(observations)
        ages = np.zeros(self.simulator.rows, np.int64)
        for now in progress(
            range(self.phases.total), f"collect {self.simulator.suite.name}"
        ):
            actions = self._act(features, now)
            step = self.simulator.step(actions)
            ages += 1
            transition = Transition(
                observations, actions, step.rewards, step.observations, step.terminations
            )
            following = self._look(step.observations)
            self.recorder.add(observations, actions, step.rewards, step.terminations)
            if now < self.phases.greedy_from:
                self._remember(transition, features, following)
                self._learn(now)
            observations, features = step.observations, following
            ended = step.terminations | (ages == self.simulator.suite.horizon)
            if ended.any():
                self.recorder.close(ended, observations)
                observations = self.simulator.reset(self._reset_seeds(), ended)
                features = self._look(observations)
                ages[ended] = 0
        return self.recorder

    def _look(self, observations: np.ndarray) -> Tensor:
        return as_tensor(self.perspective.look(observations), self.device)

    def _act(self, features: Tensor, now: int) -> np.ndarray:
        """Actions (N, A): uniform, exploring or greedy, by phase."""
        shape = (self.simulator.rows, self.simulator.suite.action_dim)
        if now < self.phases.random_until:
            return self.generator.uniform(-1, 1, shape).astype(np.float32)
        explore = now < self.phases.greedy_from
        actions = self.agent.act(self.perspective.acting(features), explore)
        found = actions.reshape(shape).cpu().numpy()
        if not np.isfinite(
            found
        ).all():  # a loss that is not finite shows here, one step on
            where = f"collect {self.simulator.suite.name}: step {now}"
            remedy = "lower the learning rate or change the seed"
            raise TrajpromptError(
                where, "actions of NaN or infinity", "finite ones", remedy
            )
        return self.perspective.perform(found)

    def _remember(
        self, transition: Transition, features: Tensor, following: Tensor
    ) -> None:
        columns = (
            self.perspective.intend(transition.actions),
            self.perspective.rewards(transition),
            transition.terminations,
            self.perspective.extras(transition),
        )
        actions, rewards, died, extra = (as_tensor(c, self.device) for c in columns)
        self.replay.add(features, actions, rewards, following, died, extra)

    def _learn(self, now: int) -> None:
        """The updates due after step ``now``; none in the random phase."""
        if now < self.phases.random_until:
            return
        rate = self.options.updates_per_step
        for _ in range(int((now + 1) * rate) - int(now * rate)):
            batch, extra, rows = self.replay.sample(
                self.perspective.stack, self.agent.batch, self.sampling
            )
            self.agent.update(self.perspective.learning(batch, extra, rows))

    def _reset_seeds(self) -> np.ndarray:
        return self.generator.integers(2**31, size=self.simulator.rows)
