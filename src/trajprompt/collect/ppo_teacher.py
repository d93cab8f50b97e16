"""PPO that learns in a simulator, records every step and keeps snapshots of its policy."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from trajprompt.collect.mlp_policy import MlpPolicy, policies_from, policies_state
from trajprompt.collect.options import PpoOptions, TeacherOptions
from trajprompt.collect.ppo import OBSERVATION_RANGE, Ppo, Rollout
from trajprompt.collect.ppo_views import Unchanged, View
from trajprompt.collect.recorder import BufferRecorder
from trajprompt.seeds import stream, torch_generator
from trajprompt.tasks.simulator import Simulator


class PpoTeacher:
    """Learning in progress (`checkpoint.Resumable`): a step is a rollout and an update.

    By default it is the teacher of a D4RL environment; ``names`` (of its random streams),
    ``view`` and ``where`` (in errors) make it learn something else.
    """

    def __init__(
        self,
        simulator: Simulator,
        ppo: PpoOptions,
        teacher: TeacherOptions,
        run_seed: int,
        names: Sequence[str] = (),
        view: View | None = None,
        where: str = "",
    ):
        suite = simulator.suite
        self.simulator, self.options = simulator, ppo
        self.view = view or Unchanged(suite)
        names = names or ("teacher", suite.environment)
        self.generator = np.random.default_rng(stream(run_seed, *names, "resets"))
        self.shuffling = torch_generator(stream(run_seed, *names, "minibatches"))
        self.ppo = Ppo(
            self.view.features,
            suite.action_dim,
            simulator.rows,
            ppo,
            torch_generator(stream(run_seed, *names, "weights")),
            torch_generator(stream(run_seed, *names, "noise")),
            where or f"teachers.{suite.environment}",
        )
        size = simulator.rows * ppo.rollout
        self.total = -(-teacher.steps // size)  # updates
        self.period = -(-teacher.snapshot_every // size)  # updates between snapshots
        steps = self.total * ppo.rollout
        self.recorder = BufferRecorder(suite, simulator.tasks, steps)
        self.snapshots: list[tuple[int, MlpPolicy]] = []  # (steps done before, policy)
        self.ages = np.zeros(simulator.rows, np.int64)
        self.observations = simulator.reset(self._seeds())
        self.ppo.seen.add(self.view.observe(self.observations))

    def advance(self, update: int) -> None:
        """Do update ``update``; keep the policy before it if due, and the last one."""
        if update % self.period == 0:
            self._keep()
        self.ppo.learn(self._play(), update / self.total, self.shuffling)
        if update + 1 == self.total:
            self._keep()

    def _keep(self) -> None:
        done = self.recorder.filled * self.simulator.rows
        self.snapshots.append((done, policy_of(self.ppo)))

    def _play(self) -> Rollout:
        """Play one rollout with the current policy."""
        steps, horizon = self.options.rollout, self.simulator.suite.horizon
        kept: list[tuple[np.ndarray, ...]] = []
        for _ in range(steps):
            features = self._features(self.observations)
            actions, densities, values = self.ppo.act(features)
            applied = self.view.to_simulator(np.clip(actions, -1.0, 1.0))
            step = self.simulator.step(applied)
            self.recorder.add(self.observations, applied, step.rewards, step.terminations)
            self.ages += 1
            ended = step.terminations | (self.ages == horizon)
            rewards = self.ppo.scale_rewards(step.rewards, ended)
            end_values = np.zeros_like(values)
            cut = ended & ~step.terminations
            if cut.any():
                after = self._features(step.observations)
                end_values[cut] = self.ppo.values(after[cut])
            kept.append((features, actions, densities, values, rewards, ended, end_values))
            self.observations = step.observations
            if ended.any():
                self.recorder.close(ended, step.observations)
                self.observations = self.simulator.reset(self._seeds(), ended)
                self.ages[ended] = 0
            self.ppo.seen.add(self.view.observe(self.observations))
        columns = [np.stack(column) for column in zip(*kept, strict=True)]
        last = self.ppo.values(self._features(self.observations))
        return Rollout._make([*columns, last])

    def _features(self, observations: np.ndarray) -> np.ndarray:
        return self.ppo.normalise(self.view.observe(observations))

    def _seeds(self) -> np.ndarray:
        return self.generator.integers(2**31, size=self.simulator.rows)

    def state(self) -> dict[str, Any]:
        return {
            "simulator": self.simulator.state(),
            "ppo": self.ppo.state(),
            "recorder": self.recorder.state(),
            "snapshots": policies_state(self.snapshots),
            "generator": json.dumps(self.generator.bit_generator.state),
            "shuffling": self.shuffling.get_state(),
            "ages": self.ages,
            "observations": self.observations,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self.simulator.restore(state["simulator"])
        self.ppo.restore(state["ppo"])
        self.recorder.restore(state["recorder"])
        self.snapshots = policies_from(state["snapshots"])
        self.generator.bit_generator.state = json.loads(state["generator"])
        self.shuffling.set_state(torch.as_tensor(state["shuffling"]))
        self.ages[:] = state["ages"]
        self.observations = np.array(state["observations"])


def policy_of(ppo: Ppo) -> MlpPolicy:
    """A copy of the current policy."""
    layers = [layer for layer in ppo.network.mean if isinstance(layer, torch.nn.Linear)]
    return MlpPolicy(
        weights=tuple(layer.weight.detach().numpy().T.copy() for layer in layers),
        biases=tuple(layer.bias.detach().numpy().copy() for layer in layers),
        shift=ppo.seen.mean.copy(),
        scale=np.sqrt(ppo.seen.variance + 1e-8),
        limit=np.array(OBSERVATION_RANGE),
        log_std=ppo.network.log_std.detach().numpy().copy(),
    )
