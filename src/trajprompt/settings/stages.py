"""The settings of every stage: frozen dataclasses, and how a config becomes them.

The workflow hands a stage exactly its own settings as JSON, so that editing one key of
the config reruns only what depends on it. By hand, ``--config config.yaml [preset]``
does the same.
"""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from trajprompt.errors import TrajpromptError

RANDOM_POLICY = "random-policy"  # a job and its file, and what stands for a method there


@dataclass(frozen=True)
class CollectSettings:
    run: str
    run_seed: int
    suite: str
    tasks: tuple[int, ...]  # training and test tasks: test tasks need demonstrations too
    algorithm: str
    options: dict[str, Any]
    expert_at_least: float | None  # mean return of the last episodes; None: not checked
    random_at_most: float | None  # mean return of the first episodes; None: not checked
    quality_episodes: int  # how many first and last episodes per task are averaged
    device: str
    threads: int


@dataclass(frozen=True)
class PretrainSettings:
    run: str
    run_seed: int
    suite: str
    backbone: str  # name in the config, of a kind or a variant
    kind: str  # what it reads, a key of prompt_dt.BACKBONES
    seed: int
    train_tasks: tuple[int, ...]
    return_scale: float
    demonstrations: int  # episodes per task that prompts are drawn from
    data_fraction: float  # last part of each replay buffer that is trained on
    context_length: int
    prompt_segments: int  # J, one after the other
    prompt_length: int  # H, steps of one segment
    prompt_position: str  # of segments in demonstrations, a key of prompt_places.POSITIONS
    steps: int
    batch_per_task: int
    learning_rate: float
    weight_decay: float
    warmup_steps: int
    schedule: str
    gradient_clip: float
    dropout: float
    width: int
    layers: int
    heads: int
    validation_every: int
    precision: str
    device: str


@dataclass(frozen=True)
class TuneSettings:
    run: str
    run_seed: int
    suite: str
    condition: str
    method: str  # name in the config
    kind: str  # registered tuning method
    options: dict[str, Any]
    seed: int
    train_tasks: tuple[int, ...]  # read only for methods and settings that use them
    test_tasks: tuple[int, ...]
    prompt_quality: str  # of the test task; "training": a training task's demonstration
    data_quality: str
    prompt_segments: int  # these three as in pretraining, which may have had others
    prompt_length: int
    prompt_position: str
    prompts_per_task: int
    samples: int | str  # training segments per task that offline methods may use, or "all"
    demonstrations: int
    data_fraction: float  # last part of the buffer that data_quality "full" means
    target_return: float
    precision: str
    device: str
    threads: int


@dataclass(frozen=True)
class EvaluateSettings:
    run: str
    run_seed: int
    suite: str
    condition: str
    method: str
    seed: int
    episodes: int
    curve_episodes: int
    target_return: float
    precision: str
    device: str
    threads: int


@dataclass(frozen=True)
class RandomPolicySettings:
    """Of uniformly random actions on one suite."""

    run: str
    run_seed: int
    suite: str
    tasks: tuple[int, ...]  # test tasks
    episodes: int  # per task
    threads: int


@dataclass(frozen=True)
class ReportSettings:
    """Of one table, or with an empty ``table`` of all that the run makes."""

    run: str
    run_seed: int
    suites: tuple[str, ...]
    seeds: tuple[int, ...]
    entries: tuple[dict[str, Any], ...] = field(default=())
    table: str = ""  # a name under the config's tables
    title: str = ""  # what stands above the table
    paper: str = ""  # folder below ``papers`` of the paper whose table it is; none: empty
    papers: str = "papers"  # folder of the papers


@dataclass(frozen=True)
class FigureSettings(ReportSettings):
    """Of one figure, whose name is ``table``."""

    kind: str = ""  # of report/plots/kinds
    baseline: str = ""  # id of the column that the others are shown against
    conditions: dict[str, Any] = field(
        default_factory=dict
    )  # condition -> its config entry
    methods: dict[str, str] = field(default_factory=dict)  # method -> its label
    # suite -> steps of a training context, one of each backbone that its cells have
    context_lengths: dict[str, list[int]] = field(default_factory=dict)


@dataclass(frozen=True)
class VideoSettings:
    """Of one video, a film per suite with a panel per column."""

    run: str
    run_seed: int
    video: str  # a name under the config's videos
    title: str
    seed: int  # of the backbones and cells
    suites: tuple[str, ...]
    tasks: dict[str, int]  # suite -> task that is played
    entries: tuple[dict[str, str], ...]  # id, label, condition, method
    precision: str
    device: str


Settings = TypeVar("Settings")


def to_json(settings: Any) -> str:
    """Settings as one JSON line, keys sorted."""
    return json.dumps(dataclasses.asdict(settings), sort_keys=True)


def from_mapping(cls: type[Settings], values: Mapping[str, Any], where: str) -> Settings:
    """A settings dataclass from a mapping; unknown and missing keys are errors."""
    known = {item.name for item in dataclasses.fields(cls)}  # type: ignore[arg-type]
    wrong = sorted(known.symmetric_difference(values))
    if wrong:
        found = f"missing or unknown key(s) {', '.join(wrong)}"
        expected = f"exactly the keys {', '.join(sorted(known))}"
        raise TrajpromptError(where, found, expected)
    as_tuples = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
    return cls(**as_tuples)
