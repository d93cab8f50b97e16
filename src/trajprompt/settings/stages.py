"""The settings of every stage: frozen dataclasses, and how JSON becomes them.

The workflow hands a stage exactly its own settings as JSON, so that editing one key of
the config reruns only what depends on it. By hand, ``--config config.yaml [preset]``
does the same. Types and bounds are in the annotations, see `options`.
"""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, TypeVar

from annotated_types import Interval

from trajprompt.errors import TrajpromptError
from trajprompt.settings.options import (
    Count,
    OptionError,
    Positive,
    Precision,
    Seed,
    Size,
    SmallCount,
    Strict,
    Task,
    validate,
)
from trajprompt.settings.training import TrainingSettings

RANDOM_POLICY = "random-policy"  # a job and its file, and what stands for a method there

# Bounds that the configuration has, too (config/models.py).
Episodes = Annotated[int, Interval(ge=1, le=20_000)]
DataFraction = Annotated[float, Interval(gt=0, le=1)]
Segments = Annotated[int, Interval(ge=1, le=40)]
Length = Annotated[int, Interval(ge=1, le=200)]  # steps of a segment or a context
Width = Annotated[int, Interval(ge=8, le=2048)]
Layers = Annotated[int, Interval(ge=2, le=24)]
Dropout = Annotated[float, Interval(ge=0, lt=1)]
Position = Literal["end", "uniform"]  # keys of prompt_places.POSITIONS


@dataclass(frozen=True)
class PromptForm(Strict):
    """What a prompt is made of."""

    segments: Segments  # J, one after the other
    length: Length  # H, steps of one segment
    position: Position = "end"  # of segments in demonstrations

    def attributes(self) -> dict[str, Any]:
        """The form as files have it among their attributes."""
        return {f"prompt_{name}": value for name, value in vars(self).items()}


@dataclass(frozen=True)
class BackboneSizes(Strict):
    """What a config says of a backbone's architecture."""

    width: Width
    layers: Layers
    heads: Literal[1]
    dropout: Dropout
    context_length: Length  # K


@dataclass(frozen=True)
class CollectSettings(Strict):
    run: str
    run_seed: Seed
    suite: str
    # Training and test tasks: test tasks need demonstrations too.
    tasks: tuple[Task, ...]
    algorithm: str
    options: dict[str, Any]
    expert_at_least: float | None  # mean return of the last episodes; None: not checked
    random_at_most: float | None  # mean return of the first episodes; None: not checked
    quality_episodes: Episodes  # how many first and last episodes per task are averaged
    device: str
    threads: SmallCount


@dataclass(frozen=True)
class PretrainSettings(Strict):
    run: str
    run_seed: Seed
    suite: str
    backbone: str  # name in the config, of a kind or a variant
    kind: str  # what it reads, a key of prompt_dt.BACKBONES
    seed: Seed
    train_tasks: tuple[Task, ...]
    return_scale: Positive
    demonstrations: Episodes  # episodes per task that prompts are drawn from
    data_fraction: DataFraction  # last part of each task's trajectories that is trained on
    batch_per_task: Size
    prompt: PromptForm
    sizes: BackboneSizes
    training: TrainingSettings
    device: str


@dataclass(frozen=True)
class TuneSettings(Strict):
    run: str
    run_seed: Seed
    suite: str
    condition: str
    method: str  # name in the config
    kind: str  # registered tuning method
    options: dict[str, Any]
    seed: Seed
    train_tasks: tuple[Task, ...]  # read only for methods and conditions that use them
    test_tasks: tuple[Task, ...]
    prompt_quality: str  # of the test task; "training": a training task's demonstration
    data_quality: str
    prompt: PromptForm  # of this cell; pretraining may have had another
    prompts_per_task: SmallCount
    # Training segments per task that offline methods may use.
    samples: Count | Literal["all"]
    demonstrations: Episodes
    data_fraction: DataFraction  # last part of the buffer that data_quality "full" means
    target_return: float
    precision: Precision
    device: str
    threads: SmallCount


@dataclass(frozen=True)
class EvaluateSettings(Strict):
    run: str
    run_seed: Seed
    suite: str
    condition: str
    method: str
    seed: Seed
    episodes: Count
    curve_episodes: Annotated[int, Interval(ge=0, le=100_000)]
    target_return: float
    precision: Precision
    device: str
    threads: SmallCount


@dataclass(frozen=True)
class RandomPolicySettings(Strict):
    """Settings of uniformly random play on one suite."""

    run: str
    run_seed: Seed
    suite: str
    tasks: tuple[Task, ...]  # test tasks
    episodes: Count  # per task
    threads: SmallCount


@dataclass(frozen=True)
class ReportSettings(Strict):
    """Settings of one table; of the whole report if ``table`` is empty."""

    run: str
    run_seed: Seed
    suites: tuple[str, ...]
    seeds: tuple[Seed, ...]
    entries: tuple[dict[str, Any], ...] = ()
    table: str = ""  # a name under the config's tables
    title: str = ""  # what stands above the table
    paper: str = ""  # folder below ``papers`` of the paper whose table it is; none: empty
    papers: str = "papers"  # folder of the papers


@dataclass(frozen=True)
class FigureSettings(ReportSettings):
    """Settings of one figure, whose name is ``table``."""

    kind: str = ""  # a file of report/plots/kinds
    baseline: str = ""  # id of the entry that the others are shown against
    # condition -> what the config says of it
    conditions: dict[str, Any] = field(default_factory=dict)
    methods: dict[str, str] = field(default_factory=dict)  # method -> its label
    # suite -> steps of a training context, one of each backbone that its cells have
    context_lengths: dict[str, list[int]] = field(default_factory=dict)


@dataclass(frozen=True)
class VideoSettings(Strict):
    """Settings of one video: a film per suite, a panel per entry."""

    run: str
    run_seed: Seed
    video: str  # a name under the config's videos
    title: str
    seed: Seed  # of the backbones and cells
    suites: tuple[str, ...]
    tasks: dict[str, Task]  # suite -> task that is played
    entries: tuple[dict[str, str], ...]  # id, label, condition, method
    precision: Precision
    device: str


Settings = TypeVar("Settings", bound=Strict)


def to_json(settings: Any) -> str:
    """Settings as one JSON line, keys sorted."""
    return json.dumps(dataclasses.asdict(settings), sort_keys=True)


def from_mapping(cls: type[Settings], values: Mapping[str, Any], where: str) -> Settings:
    """A settings dataclass from a mapping that has all that it has no default for."""
    try:
        return validate(cls, values)
    except OptionError as error:
        place = f"{where} {error.name}".rstrip()
        raise TrajpromptError(place, f"found {error.found}", error.expected) from error
