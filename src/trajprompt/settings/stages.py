"""Settings of every stage: frozen dataclasses, read from JSON.

The workflow passes a job only its settings, as JSON, so an edit of a key of the config
reruns only the jobs that depend on it. A command called by hand derives the same settings
from ``--config``. Types and bounds are in the annotations, see `options`.
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
    Engine,
    OptionError,
    Positive,
    Precision,
    Seed,
    Size,
    SmallCount,
    Steps,
    Strict,
    Task,
    validate,
)
from trajprompt.settings.sizes import (
    BackboneSizes,
    DataFraction,
    Episodes,
    PromptForm,
)
from trajprompt.settings.training import TrainingSettings

RANDOM_POLICY = "random-policy"  # name of the stage, of its file, and of the method in it


@dataclass(frozen=True)
class CollectSettings(Strict):
    run: str
    run_seed: Seed
    suite: str
    # Training and test tasks: prompts of test tasks need demonstrations too.
    tasks: tuple[Task, ...]
    algorithm: str
    options: dict[str, Any]
    expert_at_least: float | None  # mean return of the last episodes; None: not checked
    random_at_most: float | None  # mean return of the first episodes; None: not checked
    quality_episodes: Episodes  # number of first and of last episodes averaged per task
    device: str
    threads: SmallCount
    # D4RL suites: bounds of the score of all episodes' mean return; None: not checked.
    score_between: tuple[float, float] | None = None


@dataclass(frozen=True)
class TeachSettings(Strict):
    """Settings of the teacher of a D4RL environment."""

    run: str
    run_seed: Seed
    environment: str
    algorithm: str
    options: dict[str, Any]
    expert_at_least: float | None  # score of the best policy; None: not checked
    device: str
    threads: SmallCount


@dataclass(frozen=True)
class PretrainSettings(Strict):
    run: str
    run_seed: Seed
    suite: str
    backbone: str  # a kind, or a name under backbones in the config
    kind: str  # a key of kinds.TRANSFORMERS
    seed: Seed
    train_tasks: tuple[Task, ...]
    return_scale: Positive
    demonstrations: Episodes  # expert episodes per task that prompts are drawn from
    data_trajectories: Episodes  # last episodes, of which the demonstrations are the best
    data_fraction: DataFraction  # last part of each task's trajectories, used for training
    batch_per_task: Size
    prompt: PromptForm
    sizes: BackboneSizes
    training: TrainingSettings
    device: str
    # The suite whose data has the demonstrations; empty: the suite's own has them.
    demonstrations_from: str = ""
    stacked_seeds: bool = False  # by the code for stacks, which rounds differently


@dataclass(frozen=True)
class OfflineSettings(Strict):
    """Settings of the policy of an offline algorithm, for one seed."""

    run: str
    run_seed: Seed
    suite: str
    backbone: str  # a name under algorithms in the config
    kind: str  # one of kinds.LEARNED_KINDS
    options: dict[str, Any]
    seed: Seed
    train_tasks: tuple[Task, ...]  # one
    updates: Steps
    curve_every: Count  # updates between points of the curve
    curve_episodes: Annotated[int, Interval(ge=0, le=1000)]  # played at every point
    device: str


@dataclass(frozen=True)
class RelabelSettings(Strict):
    """Settings of the relabelled data of a Contextual Meta Transformer."""

    run: str
    run_seed: Seed
    suite: str
    backbone: str  # a name under algorithms in the config, of kind cmt
    seed: Seed
    train_tasks: tuple[Task, ...]  # one
    options: dict[str, Any]


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
    train_tasks: tuple[Task, ...]  # read only if the method or condition uses them
    test_tasks: tuple[Task, ...]
    prompt_quality: str  # level of the demonstrations; "training": of a training task
    data_quality: str
    prompt: PromptForm  # this cell's form; the backbone's pretraining may use another
    prompts_per_task: SmallCount
    # Context segments per test task that offline methods may use.
    samples: Count | Literal["all"]
    demonstrations: Episodes  # episodes of a level that prompts are drawn from
    data_trajectories: Episodes  # episodes of a level that samples are drawn from
    data_fraction: DataFraction  # last part of the buffer, used if data_quality is "full"
    target_return: float
    precision: Precision
    engine: Engine
    device: str
    threads: SmallCount
    # The suite whose data has the demonstrations; empty: the suite's own has them.
    demonstrations_from: str = ""
    stacked_seeds: bool = False


LAST_PART = 2 / 3  # share of a tuning curve's iterations before its last third


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
    engine: Engine
    device: str
    threads: SmallCount
    varied_starts: bool = False  # also, if all resets of the suite are equal
    # Share of the iterations at which the played part of the tuning curve begins.
    curve_start: Annotated[float, Interval(ge=0, le=1)] = 0.0
    stacked_seeds: bool = False


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
    title: str = ""  # title of the table
    paper: str = ""  # folder in ``papers`` of the table's paper; empty: no paper
    papers: str = "papers"  # folder of the papers
    raw: bool = False  # D4RL suites: returns in place of scores


@dataclass(frozen=True)
class FigureSettings(ReportSettings):
    """Settings of one figure, whose name is ``table``."""

    kind: str = ""  # the name of a file of report/plots/kinds
    baseline: str = ""  # id of the entry that the others are compared with
    # condition -> its values in the config
    conditions: dict[str, Any] = field(default_factory=dict)
    methods: dict[str, str] = field(default_factory=dict)  # method -> its label
    # suite -> context lengths, in steps, of the backbones of its cells
    context_lengths: dict[str, list[int]] = field(default_factory=dict)


@dataclass(frozen=True)
class VideoSettings(Strict):
    """Settings of one video: a film per suite, a panel per entry."""

    run: str
    run_seed: Seed
    video: str  # a name under the config's videos
    title: str
    seed: Seed  # seed of the backbones and cells
    suites: tuple[str, ...]
    tasks: dict[str, Task]  # suite -> the task to play
    entries: tuple[dict[str, str], ...]  # id, label, condition, method
    precision: Precision
    engine: Engine
    device: str


Settings = TypeVar("Settings", bound=Strict)


def to_json(settings: Any) -> str:
    """Settings as one line of JSON, keys sorted."""
    return json.dumps(dataclasses.asdict(settings), sort_keys=True)


def from_mapping(cls: type[Settings], values: Mapping[str, Any], where: str) -> Settings:
    """Settings of type ``cls`` from a mapping; TrajpromptError names a wrong key."""
    try:
        return validate(cls, values)
    except OptionError as error:
        place = f"{where} {error.name}".rstrip()
        found, remedy = f"found {error.found}", f"correct the value of {where}"
        raise TrajpromptError(place, found, error.expected, remedy) from error
