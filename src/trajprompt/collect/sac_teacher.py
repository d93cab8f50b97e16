"""SAC that learns one environment, with snapshots of its policy: the teacher of D4RL."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from trajprompt.collect.loop import Collection
from trajprompt.collect.mlp_policy import MlpPolicy, policies_from, policies_state
from trajprompt.collect.options import LoopOptions, SacTeacherOptions, TeacherOptions
from trajprompt.collect.perspective import PerTask
from trajprompt.collect.recorder import BufferRecorder
from trajprompt.collect.sac import SAC
from trajprompt.seeds import stream, torch_generator
from trajprompt.tasks.simulator import Simulator


class SacTeacher:
    """Learning in progress (`checkpoint.Resumable`): a step moves all rows once."""

    def __init__(
        self,
        simulator: Simulator,
        sac: SacTeacherOptions,
        teacher: TeacherOptions,
        run_seed: int,
        device: str,
    ):
        suite, rows = simulator.suite, simulator.rows
        names = ("teacher", suite.environment)
        self.agent = SAC(
            1,
            suite.state_dim,
            suite.action_dim,
            sac,
            device,
            torch_generator(stream(run_seed, *names, "weights")),
            torch_generator(stream(run_seed, *names, "noise"), device),
        )
        loop = LoopOptions(
            episodes_per_task=-(-teacher.steps // suite.horizon),
            rows_per_task=rows,
            updates_per_step=sac.updates_per_step,
            random_episodes=-(-sac.random_steps // suite.horizon),
        )
        perspective = PerTask(suite, simulator.tasks)
        self.collection = Collection(
            simulator, self.agent, perspective, loop, device, run_seed
        )
        self.total = self.collection.phases.total  # lockstep steps
        self.period = -(-teacher.snapshot_every // rows)  # of these, between snapshots
        self.snapshots: list[tuple[int, MlpPolicy]] = []  # (steps done before, policy)

    @property
    def recorder(self) -> BufferRecorder:
        return self.collection.recorder

    def advance(self, now: int) -> None:
        """Do lockstep step ``now``; keep the policy before it if due, and the last one."""
        if now % self.period == 0:
            self._keep()
        self.collection.advance(now)
        if now + 1 == self.total:
            self._keep()

    def _keep(self) -> None:
        done = self.recorder.filled * self.collection.simulator.rows
        self.snapshots.append((done, policy_of(self.agent)))

    def state(self) -> dict[str, Any]:
        return {
            "collection": self.collection.state(),
            "snapshots": policies_state(self.snapshots),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self.collection.restore(state["collection"])
        self.snapshots = policies_from(state["snapshots"])


def policy_of(agent: SAC) -> MlpPolicy:
    """A copy of the current policy of a stack of one."""
    layers = [
        (weight.detach()[0].cpu().numpy(), bias.detach()[0, 0].cpu().numpy())
        for weight, bias in agent.actor.affine
    ]
    inputs = layers[0][0].shape[0]
    return MlpPolicy(
        weights=tuple(weight.copy() for weight, _ in layers),
        biases=tuple(bias.copy() for _, bias in layers),
        shift=np.zeros(inputs),
        scale=np.ones(inputs),
        limit=np.array(np.finfo(np.float32).max),
    )
