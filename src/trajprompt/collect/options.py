"""The options of collecting, by algorithm. Light: the config is checked against them."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from trajprompt.settings.options import (
    PRECISIONS,
    OptionError,
    at_least,
    at_most,
    one_of,
    positive,
    share,
)


@dataclass(frozen=True)
class LoopOptions:
    """How much is collected and learned. Steps are control steps of one task."""

    episodes_per_task: int  # times the horizon: the steps that each task gets
    rows_per_task: int = 1  # episodes of a task that run at once
    updates_per_step: float = 1.0  # updates per lockstep step (all rows: one step each)
    random_episodes: int = 5  # per task, with uniform actions, before the agent acts
    greedy_episodes: int = 0  # per task, at the end, with the mean action, not learning

    def __post_init__(self) -> None:
        at_least(self, 1, "episodes_per_task", "rows_per_task")
        at_least(self, 0, "random_episodes", "greedy_episodes")
        positive(self, "updates_per_step")
        at_most(self, 20_000, "episodes_per_task")  # 4 million steps of each task
        at_most(self, 1000, "rows_per_task", "updates_per_step")
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
class AgentOptions:
    """What SAC and TD3 share. Defaults: their papers', which agree where both speak."""

    width: int = 256  # units of each of the two hidden layers
    batch: int = 256  # transitions per task and update
    learning_rate: float = 3e-4
    discount: float = 0.99
    target_rate: float = 0.005  # Polyak step of the target networks
    layer_norm: bool = False  # in the critics only
    policy_delay: int = 1  # critic updates per policy update
    precision: str = "fp32"  # of the products: "fp32", "bf16" or "auto"

    def __post_init__(self) -> None:
        at_least(self, 1, "width", "batch", "policy_delay")
        positive(self, "learning_rate", "target_rate")
        share(self, "discount", "target_rate")
        at_most(self, 4096, "width")
        at_most(self, 65_536, "batch")
        at_most(self, 1, "learning_rate")
        at_most(self, 1000, "policy_delay")
        one_of(self, PRECISIONS, "precision")


@dataclass(frozen=True)
class SacOptions(AgentOptions):
    """Defaults: Table 1 of arXiv 1812.05905. Config overrides carry their own reasons."""

    initial_temperature: float = 1.0
    target_entropy: float | None = None  # None: minus the number of action dimensions

    def __post_init__(self) -> None:
        super().__post_init__()
        positive(self, "initial_temperature")
        at_most(self, 1000, "initial_temperature")


@dataclass(frozen=True)
class Td3Options(AgentOptions):
    """Defaults: arXiv 1802.09477, section 6.1 and appendix; lr and batch as its code."""

    exploration_noise: float = 0.1  # standard deviation of acting noise
    target_noise: float = 0.2  # of the smoothing noise on target actions
    noise_clip: float = 0.5  # bound of the smoothing noise
    policy_delay: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(self, 0, "exploration_noise", "target_noise", "noise_clip")


@dataclass(frozen=True)
class GoalOptions:
    """Options of goal-conditioned agents only."""

    relabelled: float = 0.8  # share of each batch whose goal is drawn anew (cheetah)

    def __post_init__(self) -> None:
        share(self, "relabelled")


@dataclass(frozen=True)
class ScriptedOptions:
    """Episodes per task and the size of the action noise at each level."""

    episodes: int = 90  # a third each of random, noisy and expert
    # Standard deviations in units of action. At 2.0 the mean return of tasks 1 to 20 of
    # reach is 397, halfway between random (127) and the noiseless expert (650.6).
    medium_noise: float = 2.0
    # Resets of reach are deterministic: a noiseless expert would give one episode many
    # times. This much noise costs 1 of 650 there (measured).
    expert_noise: float = 0.1

    def __post_init__(self) -> None:
        if self.episodes < 3 or self.episodes % 3:
            raise OptionError("episodes", str(self.episodes), "a positive multiple of 3")
        at_least(self, 0, "medium_noise", "expert_noise")
        at_most(self, 20_000, "episodes")

    @property
    def stored(self) -> int:
        """Episodes of each level in each task's buffer."""
        return self.episodes // 3


@dataclass(frozen=True)
class FileOptions:
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


def relevant(algorithm: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that count. An overlay that says ``file`` leaves those of the algorithm
    below it in place: they are not an error, and not a condition.
    """
    if algorithm != "file":
        return dict(options)
    others = {f.name for name, kinds in KINDS.items() for k in kinds for f in fields(k)}
    return {n: v for n, v in options.items() if n == "path" or n not in others}
