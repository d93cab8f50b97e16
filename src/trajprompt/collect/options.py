"""The options of collecting, by algorithm. Light: the config is checked against them."""

from dataclasses import dataclass, fields
from typing import Annotated

from annotated_types import Interval, MultipleOf

from trajprompt.settings.options import (
    NonNegative,
    OptionError,
    Precision,
    Rate,
    Scale,
    Share,
    Size,
    SmallCount,
    Strict,
)

# Of each task; 4 million steps of it.
Episodes = Annotated[int, Interval(ge=0, le=20_000)]


@dataclass(frozen=True)
class LoopOptions(Strict):
    """How much is collected and learned. Steps are control steps of one task."""

    # Times the horizon: the steps that each task gets.
    episodes_per_task: Annotated[Episodes, Interval(ge=1)]
    rows_per_task: SmallCount = 1  # episodes of a task that run at once
    updates_per_step: Scale = 1.0  # updates per lockstep step (all rows: one step each)
    random_episodes: Episodes = 5  # per task, with uniform actions, before the agent acts
    greedy_episodes: Episodes = 0  # per task, at the end: the mean action, no learning

    def __post_init__(self) -> None:
        apart = self.rounds(self.random_episodes) + self.rounds(self.greedy_episodes)
        if apart > self.rounds(self.episodes_per_task):
            found = f"{self.random_episodes} random and {self.greedy_episodes} greedy ones"
            expected = f"at least both together, in rounds of {self.rows_per_task}"
            raise OptionError(
                "episodes_per_task", f"{self.episodes_per_task} for {found}", expected
            )

    def rounds(self, episodes: int) -> int:
        """How often all rows of a task must play to make ``episodes``."""
        return -(-episodes // self.rows_per_task)

    @property
    def stored(self) -> int:
        """Whole episodes of each task in the buffer, at least."""
        return self.rounds(self.episodes_per_task) * self.rows_per_task


@dataclass(frozen=True)
class AgentOptions(Strict):
    """What SAC and TD3 share. Defaults: their papers', which agree where both speak."""

    width: Size = 256  # units of each of the two hidden layers
    # Transitions per task and update.
    batch: Annotated[int, Interval(ge=1, le=65_536)] = 256
    learning_rate: Rate = 3e-4
    discount: Share = 0.99
    target_rate: Rate = 0.005  # Polyak step of the target networks
    layer_norm: bool = False  # in the critics only
    policy_delay: SmallCount = 1  # critic updates per policy update
    precision: Precision = "fp32"  # of the products


@dataclass(frozen=True)
class SacOptions(AgentOptions):
    """Defaults: Table 1 of arXiv 1812.05905. Config overrides carry their own reasons."""

    initial_temperature: Scale = 1.0
    target_entropy: float | None = None  # None: minus the number of action dimensions


@dataclass(frozen=True)
class Td3Options(AgentOptions):
    """Defaults: arXiv 1802.09477, section 6.1 and appendix; lr and batch as its code."""

    exploration_noise: NonNegative = 0.1  # standard deviation of acting noise
    target_noise: NonNegative = 0.2  # of the smoothing noise on target actions
    noise_clip: NonNegative = 0.5  # bound of the smoothing noise
    policy_delay: SmallCount = 2


@dataclass(frozen=True)
class GoalOptions(Strict):
    """Options of goal-conditioned agents only."""

    relabelled: Share = 0.8  # share of each batch that gets another goal (cheetah)


@dataclass(frozen=True)
class ScriptedOptions(Strict):
    """Episodes per task and the size of the action noise at each level."""

    # A third each of random, noisy and expert.
    episodes: Annotated[Episodes, Interval(ge=3), MultipleOf(3)] = 90
    # Standard deviations in units of action. At 2.0 the mean return of tasks 1 to 20 of
    # reach is 397, halfway between random (127) and the noiseless expert (650.6).
    medium_noise: NonNegative = 2.0
    # Resets of reach are deterministic: a noiseless expert would give one episode many
    # times. This much noise costs 1 of 650 there (measured).
    expert_noise: NonNegative = 0.1

    @property
    def stored(self) -> int:
        """Episodes of each level in each task's buffer."""
        return self.episodes // 3


@dataclass(frozen=True)
class FileOptions(Strict):
    """A store that exists, made by `trajprompt import` or by another run."""

    path: str  # relative to the folder that the workflow runs in


# What each algorithm takes, flat in the config; the first one says how much is stored.
KINDS: dict[str, tuple[type, ...]] = {
    "sac": (LoopOptions, SacOptions),
    "td3": (LoopOptions, Td3Options),
    "goal-conditioned-sac": (LoopOptions, SacOptions, GoalOptions),
    "goal-conditioned-td3": (LoopOptions, Td3Options, GoalOptions),
    "scripted": (ScriptedOptions,),
    "file": (FileOptions,),
}


def foreign_options(algorithm: object) -> set[str]:
    """The options that other algorithms have, and ``algorithm`` has not."""
    names = {
        name: {field.name for kind in kinds for field in fields(kind)}
        for name, kinds in KINDS.items()
    }
    own = names.get(algorithm, set()) if isinstance(algorithm, str) else set()
    return set().union(*names.values()) - own if own else set()
