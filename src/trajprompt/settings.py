"""The settings of every stage: frozen dataclasses, and how a config becomes them.

The workflow hands a stage exactly its own settings as JSON, so that editing one key of
the config reruns only what depends on it. By hand, ``--config config.yaml [preset]``
does the same.
"""

import argparse
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
    setting: str
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
    setting: str
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
    columns: tuple[dict[str, Any], ...] = field(default=())
    table: str = ""  # a name under the config's tables
    title: str = ""  # what stands above the table
    paper: str = ""  # whose table it is, by its name in report/papers.py; none: empty


@dataclass(frozen=True)
class FigureSettings(ReportSettings):
    """Of one figure, whose name is ``table``."""

    kind: str = ""  # of report/plots
    baseline: str = ""  # id of the column that the others are shown against
    conditions: dict[str, Any] = field(default_factory=dict)  # setting -> its config entry
    methods: dict[str, str] = field(default_factory=dict)  # method -> its label


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
    columns: tuple[dict[str, str], ...]  # id, label, setting, method
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


def stage_parser(
    stage: str, description: str | None, example: str
) -> argparse.ArgumentParser:
    """The command line of a stage, with one example that works after a smoke run."""
    return argparse.ArgumentParser(
        prog=f"trajprompt {stage}",
        description=description,
        epilog=f"example:\n  trajprompt {stage} {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def stage_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the two ways of giving a stage its settings."""
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--config",
        nargs="+",
        metavar="FILE",
        default=["config.yaml"],
        help="config files, later ones override earlier ones (default: config.yaml)",
    )
    source.add_argument(
        "--settings",
        metavar="JSON",
        help="this stage's settings, as the workflow passes them",
    )


def cell_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what names a cell: the coordinates of the stages after pretraining."""
    parser.add_argument("--suite", required=True, help="suite of tasks, e.g. cheetah-vel")
    parser.add_argument("--setting", required=True, help="named conditions in the config")
    parser.add_argument("--method", required=True, help="a name under tune.methods")
    parser.add_argument("--seed", type=int, required=True, help="seed of the backbone")
    stage_arguments(parser)


def read_cell_settings(args: argparse.Namespace, cls: type[Settings]) -> Settings:
    """The settings of the cell that `cell_arguments` name."""
    names = ("suite", "setting", "method", "seed")
    return read_settings(args, cls, **{name: getattr(args, name) for name in names})


def read_settings(
    args: argparse.Namespace, cls: type[Settings], **coordinates: Any
) -> Settings:
    """The settings of one job, from ``--settings`` or from the config files.

    ``coordinates`` (suite, setting, method, seed, …) say which job; given settings must
    agree with them.
    """
    if args.settings is None:
        from trajprompt import config

        return config.settings_for(config.load(args.config), cls, **coordinates)
    try:
        values = json.loads(args.settings)
    except json.JSONDecodeError as error:
        found = f"not JSON ({error})"
        raise TrajpromptError("--settings", found, "a JSON object") from error
    if not isinstance(values, dict):
        raise TrajpromptError("--settings", repr(values), "a JSON object")
    settings = from_mapping(cls, values, "--settings")
    for name, value in coordinates.items():
        own = getattr(settings, name)
        if own != value:
            raise TrajpromptError(f"--settings {name}", repr(own), repr(value))
    return settings
