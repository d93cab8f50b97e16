"""The configuration as pydantic models: keys, types, bounds and defaults.

Defaults are the papers' values. Upper bounds are generous: they catch typos before they
exhaust memory or disk.
"""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    create_model,
    model_validator,
)
from pydantic_core import PydanticCustomError

from trajprompt.config.fields import (
    Algorithm,
    BackboneKind,
    FigureKind,
    Ids,
    Line,
    Name,
    Panels,
    Report,
    Return,
    Samples,
    Seeds,
    SomeSteps,
    Split,
    Suite,
    Suites,
    TableName,
    at_most,
    expected,
)
from trajprompt.report.plots.inputs import WITH_BASELINE
from trajprompt.settings.faults import one_of
from trajprompt.settings.options import (
    Engine,
    Positive,
    Precision,
    Rate,
    Schedule,
    Share,
    Size,
    Steps,
)
from trajprompt.settings.stages import (
    DataFraction,
    Dropout,
    Episodes,
    Layers,
    Length,
    Position,
    Segments,
    Width,
)

UNKNOWN_KEY = "unknown_key"  # type of the error whose message lists the known keys


class Model(BaseModel):
    """Strict base: 2.0 is not an integer, a bool not a number, unknown keys are errors."""

    model_config = ConfigDict(strict=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _require_known_keys(cls, values: Any) -> Any:
        """Refuse an unknown key and list the known ones."""
        unknown = set(values) - set(cls.model_fields) if isinstance(values, dict) else set()
        if unknown:
            context = {"key": min(unknown), "known": one_of([*cls.model_fields])}
            raise PydanticCustomError(UNKNOWN_KEY, "{known}", context)
        return values


class Task(Model):
    train: Split
    test: Split
    target_return: Return  # return-to-go at the start of an episode
    return_scale: Annotated[float, Field(ge=1e-6, le=1e6)]


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


class PromptForm(Model):
    """Form of a prompt: J consecutive segments of H steps; the papers' K* is J times H."""

    prompt_segments: Segments = 1  # J
    prompt_length: Length = 5  # H; K* of PTDT Table 7
    # end: the end of a random demonstration (PDT). uniform: any window of any demonstration
    # of the task (the bandit papers' description of untuned prompts).
    prompt_position: Position = "end"


class Pretraining(PromptForm):
    context_length: Length = 20  # K, PTDT Table 7
    width: Width = 128  # PTDT Table 7
    layers: Layers = 3  # PTDT Table 7
    heads: Literal[1] = 1  # PTDT Table 7; the attention supports only one
    dropout: Dropout = 0.1  # PDT
    weight_decay: Share = 1e-4  # PTDT Table 7
    gradient_clip: Positive = 0.25  # PDT
    demonstrations: Episodes = 256  # episodes of a level from which prompts are drawn
    # PTDT §5.4: the last, middle, first 256; at most a third of the buffer.
    data_trajectories: Episodes = 256  # episodes of a level from which samples are drawn
    data_fraction: DataFraction = 1.0  # PTDT §5.1: the complete buffer
    steps: SomeSteps = 50_000  # PTDT Table 6: 5000 iterations of 10 steps
    batch_per_task: Size = 8  # PTDT Table 7; Table 6 has 32
    learning_rate: Rate = 1e-4  # PTDT Table 7
    warmup_steps: Steps = 10_000  # PDT
    schedule: Schedule = "constant"  # PDT
    validation_every: SomeSteps = 1000


def changes(model: type[Model], name: str) -> type[Model]:
    """``model`` with every key optional, for values that override another layer.

    A missing key is None; files may not set None.
    """
    fields: dict[str, Any] = {
        key: (_annotation(field), Field(default=None, json_schema_extra=_no_default))
        for key, field in model.model_fields.items()
    }
    return create_model(name, __base__=Model, **fields)


def _no_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


def _annotation(field: Any) -> Any:
    kind: Any = field.annotation
    return Annotated[(kind, *field.metadata)] if field.metadata else kind


_PretrainingChange: Any = changes(Pretraining, "PretrainingChange")
_PromptFormChange: Any = changes(PromptForm, "PromptFormChange")


class PretrainingChange(_PretrainingChange):
    """Pretraining values that override another layer."""


PerSuite = dict[Suite, PretrainingChange]


class Pretrain(Pretraining):
    suites: PerSuite = {}


class Backbone(PretrainingChange):
    """A backbone with other pretraining values than its kind."""

    kind: BackboneKind
    suites: PerSuite = {}


class Condition(_PromptFormChange):
    """A condition of cells: the backbone, prompts and data that a method gets."""

    backbone: Name  # a kind, or a name under backbones
    prompt_quality: Literal["expert", "medium", "random", "training"]
    data_quality: Literal["expert", "medium", "random", "full"]
    samples: Samples  # context segments per test task
    prompts_per_task: Annotated[int, Field(ge=1, le=1000)] = 1  # PDT draws one per task


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
    collect: dict[Suite, Collect]
    pretrain: Pretrain = Pretrain()
    backbones: Annotated[dict[Name, Backbone], AfterValidator(at_most(100))] = {}
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
