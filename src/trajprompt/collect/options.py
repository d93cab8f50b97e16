"""Options of the collection algorithms. Imports nothing heavy: config checks use it."""

from dataclasses import dataclass, fields
from typing import Annotated

from annotated_types import Interval, MultipleOf

from trajprompt.settings.options import (
    Count,
    NonNegative,
    OptionError,
    Positive,
    Precision,
    Rate,
    Scale,
    Share,
    Size,
    SmallCount,
    Strict,
)

# Number of episodes per task; the bound is 4 million steps of 200-step episodes.
Episodes = Annotated[int, Interval(ge=0, le=20_000)]


@dataclass(frozen=True)
class LoopOptions(Strict):
    """Amount of collecting and learning. Steps are control steps of one task."""

    # The number of steps of each task is this times the horizon.
    episodes_per_task: Annotated[Episodes, Interval(ge=1)]
    rows_per_task: SmallCount = 1  # episodes of a task that run in parallel
    updates_per_step: Scale = 1.0  # updates per lockstep step (all rows: one step each)
    random_episodes: Episodes = 5  # per task, with uniform actions, before the agent acts
    greedy_episodes: Episodes = 0  # per task, at the end: the mean action, no learning

    def __post_init__(self) -> None:
        apart = self.rounds(self.random_episodes) + self.rounds(self.greedy_episodes)
        if apart > self.rounds(self.episodes_per_task):
            found = (
                f"{self.random_episodes} random and {self.greedy_episodes} greedy episodes"
            )
            expected = f"at least their sum, in multiples of {self.rows_per_task}"
            raise OptionError(
                "episodes_per_task", f"{self.episodes_per_task} for {found}", expected
            )

    def rounds(self, episodes: int) -> int:
        """Number of rounds, one episode per row, that give at least ``episodes``."""
        return -(-episodes // self.rows_per_task)

    @property
    def stored(self) -> int:
        """Minimum number of complete episodes of each task in the buffer."""
        return self.rounds(self.episodes_per_task) * self.rows_per_task


@dataclass(frozen=True)
class AgentOptions(Strict):
    """Common options of SAC and TD3. Where both papers give a value, they agree."""

    width: Size = 256  # units per hidden layer (two layers)
    # Transitions per task and update.
    batch: Annotated[int, Interval(ge=1, le=65_536)] = 256
    learning_rate: Rate = 3e-4
    # Share of the learning rate that is left at the end: the rate is constant over the
    # first half of learning, then falls linearly. 1.0, both papers' choice: constant.
    final_rate: Share = 1.0
    discount: Share = 0.99
    target_rate: Rate = 0.005  # Polyak step of the target networks
    layer_norm: bool = False  # in the critics only
    policy_delay: SmallCount = 1  # critic updates per policy update
    precision: Precision = "fp32"  # of matrix products


@dataclass(frozen=True)
class SacOptions(AgentOptions):
    """Options of SAC. Defaults: Table 1 of arXiv 1812.05905."""

    initial_temperature: Scale = 1.0
    target_entropy: float | None = None  # None: minus the number of action dimensions


@dataclass(frozen=True)
class Td3Options(AgentOptions):
    """Options of TD3. Defaults: arXiv 1802.09477, section 6.1 and appendix.

    Learning rate and batch size are those of its code.
    """

    exploration_noise: NonNegative = 0.1  # standard deviation, when acting
    target_noise: NonNegative = 0.2  # standard deviation of smoothing, on target actions
    noise_clip: NonNegative = 0.5  # bound of smoothing
    policy_delay: SmallCount = 2


@dataclass(frozen=True)
class GoalOptions(Strict):
    """Additional options of goal-conditioned agents."""

    relabelled: Share = 0.8  # share of each batch with another goal (cheetah)


@dataclass(frozen=True)
class ScriptedOptions(Strict):
    """Episodes per task, and action noise at each level."""

    # Per task: one third each random, noisy and expert.
    episodes: Annotated[Episodes, Interval(ge=3), MultipleOf(3)] = 90
    # Standard deviations in action units. With 2.0, the mean return on tasks 1 to 20 of
    # reach is 397, halfway between random (127) and the noiseless expert (650.6).
    medium_noise: NonNegative = 2.0
    # Resets of reach are deterministic: a noiseless expert would repeat one episode. This
    # noise lowers the return by 1 of 650 (measured).
    expert_noise: NonNegative = 0.1

    @property
    def stored(self) -> int:
        """Number of episodes per level in each task's buffer."""
        return self.episodes // 3


@dataclass(frozen=True)
class PpoOptions(Strict):
    """Options of PPO. Defaults: Table 3 of arXiv 1707.06347 (MuJoCo), unless noted.

    The Table gives a rollout of 2048 steps of one row and minibatches of 64.
    """

    rows: SmallCount = 32  # episodes that run in parallel
    rollout: Count = 128  # steps of each row between updates of the policy
    # Transitions per gradient step; the last one over a rollout may have fewer.
    minibatch: Annotated[int, Interval(ge=2, le=4096)] = 512
    epochs: SmallCount = 10  # over one rollout
    learning_rate: Rate = 3e-4  # at the start; it falls linearly to 0
    width: Size = 64  # units per hidden layer (two layers)
    clip: Share = 0.2
    gae_decay: Share = 0.95  # lambda of generalised advantage estimation
    discount: Share = 0.99
    value_weight: Scale = 0.5  # of the value loss; OpenAI's baselines
    gradient_clip: Positive = 0.5  # OpenAI's baselines
    initial_log_std: Annotated[float, Interval(ge=-5, le=2)] = 0.0

    def __post_init__(self) -> None:
        # Advantages are divided by their deviation in the minibatch: one value has none.
        size = self.rows * self.rollout
        if size % self.minibatch == 1:
            expected = (
                f"a size that does not leave one of the {size} transitions of a rollout"
            )
            raise OptionError("minibatch", f"{self.minibatch}", expected)


@dataclass(frozen=True)
class PpoLengthOptions(Strict):
    """Length of a collection by PPO: one policy for all tasks, which share the rows."""

    # Complete episodes of each task, at least.
    episodes_per_task: Annotated[Episodes, Interval(ge=1)]

    @property
    def stored(self) -> int:
        return self.episodes_per_task


@dataclass(frozen=True)
class SacTeacherOptions(SacOptions):
    """SAC of a teacher, with its collection. Defaults: one row and one update per step."""

    rows: SmallCount = 1  # episodes that run in parallel
    updates_per_step: Scale = 1.0  # updates per control step of all rows
    random_steps: Count = 10_000  # of all rows together, with uniform actions, first


@dataclass(frozen=True)
class TeacherOptions(Strict):
    """Length of a teacher's learning, and its snapshots."""

    # Control steps of all rows together; without one there is no trained policy.
    steps: Annotated[int, Interval(ge=1, le=10_000_000)]
    snapshot_every: Count = 50_000  # steps between snapshots, rounded up to whole rollouts
    snapshot_episodes: SmallCount = 10  # that measure a snapshot's mean return
    # The medium policy's score is near this share of the expert's. Bounds of its share: out
    # of them, snapshots are too rare.
    medium_share: Share = 0.4
    medium_at_least: NonNegative = 0.25
    medium_at_most: Scale = 0.6


@dataclass(frozen=True)
class LevelOptions(Strict):
    """Amount of data of a D4RL suite, made from its environment's teacher."""

    steps: Annotated[int, Interval(ge=1000, le=10_000_000)] = 1_000_000  # D4RL
    rows: SmallCount = 10  # episodes that run in parallel

    @property
    def stored(self) -> int:
        """Minimum number of complete episodes of a level: they have at most 1000 steps.

        ``medium-replay`` may have fewer, because it has at most the teacher's replay, and
        ``steps`` only approximately.
        """
        return -(-self.steps // 1000)


@dataclass(frozen=True)
class FileOptions(Strict):
    """Existing store, made by `trajprompt import` or by another run."""

    path: str  # relative to the working directory of the workflow


# Option classes of each algorithm; the first one defines the number of stored episodes.
KINDS: dict[str, tuple[type, ...]] = {
    "sac": (LoopOptions, SacOptions),
    "td3": (LoopOptions, Td3Options),
    "goal-conditioned-sac": (LoopOptions, SacOptions, GoalOptions),
    "goal-conditioned-td3": (LoopOptions, Td3Options, GoalOptions),
    "ppo": (PpoLengthOptions, PpoOptions),
    "scripted": (ScriptedOptions,),
    "file": (FileOptions,),
    "level": (LevelOptions,),
}


# Option classes of the algorithms of teachers.
TEACHERS: dict[str, tuple[type, ...]] = {
    "ppo": (PpoOptions, TeacherOptions),
    "sac": (SacTeacherOptions, TeacherOptions),
}


def foreign_options(kinds: dict[str, tuple[type, ...]], algorithm: object) -> set[str]:
    """Options that only other algorithms of ``kinds`` have; empty for an unknown one."""
    names = {
        name: {field.name for one in classes for field in fields(one)}
        for name, classes in kinds.items()
    }
    known = names.get(algorithm, set()) if isinstance(algorithm, str) else set()
    return set().union(*names.values()) - known if known else set()
