"""The configuration as pydantic models: keys, types, bounds and defaults.

Defaults are the papers' values. Upper bounds are generous: they catch typos before they
exhaust memory or disk.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from trajprompt.config.fields import (
    Algorithm,
    Environment,
    FigureKind,
    Ids,
    Line,
    Name,
    Panels,
    Report,
    Return,
    ScoreRange,
    Seeds,
    Split,
    Suite,
    Suites,
    TableName,
    at_most,
    expected,
)
from trajprompt.config.offline_models import OfflineAlgorithm, Teacher
from trajprompt.config.pretraining_models import Backbone, Condition, Pretrain
from trajprompt.config.strict_model import Model, changes
from trajprompt.report.plots.inputs import WITH_BASELINE
from trajprompt.settings.options import Engine, Precision
from trajprompt.settings.sizes import Episodes


class Task(Model):
    train: Split
    test: Split
    target_return: Return  # return-to-go at the start of an episode
    return_scale: Annotated[float, Field(ge=1e-6, le=1e6)]
    # The suite whose data has the demonstrations, in place of the suite's own.
    demonstrations_from: Suite | None = None


class Compute(Model):
    device: Literal["auto", "cpu", "cuda"]
    precision: Precision
    engine: Engine  # of rollouts on a CPU
    threads: Annotated[int, Field(ge=1, le=256)]  # per job
    # True: one job trains, tunes or plays all seeds, for GPUs. It rounds differently.
    stacked_seeds: bool = False


class Collect(Model):
    algorithm: Algorithm
    options: dict[str, Any] = {}  # options of the algorithm, see collect/options.py
    quality_episodes: Episodes  # number of first and of last episodes averaged per task
    expert_at_least: Return | None = None  # mean return of the last ones; None: no check
    random_at_most: Return | None = None  # mean return of the first ones; None: no check
    # D4RL suites: bounds of the score of all episodes' mean return; None: no check.
    score_between: ScoreRange | None = None


class Method(Model):
    kind: Name  # the name of a file of tuning/methods
    options: dict[str, Any] = {}
    suite_options: dict[Suite, dict[str, Any]] = {}


class Evaluation(Model):
    episodes: Annotated[int, Field(ge=1, le=10_000)] = 50  # PTDT Table 6
    curve_episodes: Annotated[int, Field(ge=1, le=10_000)] = 10
    # Also from varied starts, on suites whose resets are all equal (docs/data.md).
    varied_starts: bool = False


_EvaluationChange: Any = changes(Evaluation, "EvaluationChange")


class EvaluationChange(_EvaluationChange):
    """Evaluation values that override another layer."""


class Evaluate(Evaluation):
    suites: dict[Suite, EvaluationChange] = {}
    # Methods whose curve is also evaluated where no figure shows it, over its last third:
    # the verdict "not at this size" reads its rise.
    curve_ends: list[str] = []


class Entry(Model):
    """A method under a condition; tables and published values refer to it by its id."""

    label: Line
    condition: str
    method: str
    suites: Suites | None = None  # None: all suites of its tables


class Table(Model):
    title: Line
    paper: str | None = None  # a folder of papers/; None: defined by the user
    suites: Suites | None = None  # None: all of the run
    entries: Ids
    raw: bool = False  # D4RL suites: returns in place of scores


class Figure(Table):
    kind: FigureKind  # the name of a file of report/plots/kinds
    baseline: str | None = None  # the entry that the others are compared with

    @model_validator(mode="after")
    def _require_baseline(self) -> "Figure":
        if self.kind in WITH_BASELINE and self.baseline is None:
            raise expected(f"a baseline, because kind is {self.kind}")
        return self


class Video(Model):
    title: Line
    suites: Suites | None = None
    tasks: dict[Suite, Annotated[int, Field(ge=0)]] = {}  # default: the first test task
    entries: Panels


class RunConfig(Model):
    """Configuration of a run, all layers merged."""

    preset: str
    papers: str
    run: Name
    run_seed: Annotated[int, Field(ge=0, le=2**32 - 1)] = 2305  # an arbitrary number
    seeds: Seeds = [0, 1, 2]  # PTDT Table 1: three seeds
    suites: Suites
    tasks: dict[Suite, Task]
    compute: Compute
    teachers: dict[Environment, Teacher] = {}
    collect: dict[Suite, Collect]
    pretrain: Pretrain = Pretrain()
    backbones: Annotated[dict[Name, Backbone], AfterValidator(at_most(100))] = {}
    algorithms: Annotated[dict[Name, OfflineAlgorithm], AfterValidator(at_most(100))] = {}
    relabel: dict[str, Any] = {}  # options of planning, see offline/cmt/relabelling.py
    conditions: dict[Name, Condition]
    methods: dict[Name, Method]
    evaluate: Evaluate = Evaluate()
    entries: Annotated[dict[Name, Entry], AfterValidator(at_most(1000))]
    tables: Annotated[dict[TableName, Table], AfterValidator(at_most(100))]
    figures: Annotated[dict[TableName, Figure], AfterValidator(at_most(100))] = {}
    videos: Annotated[dict[TableName, Video], AfterValidator(at_most(20))] | None = None
    report: Report = "all"
    omit: list[TableName] = []  # tables and figures that ``report: all`` leaves out
    # Table over whose published suites all methods are compared; None: over all suites.
    aggregate: str | None = None
