"""Models of pretraining, of other backbones and of the conditions of cells.

Defaults are the papers' values.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from trajprompt.config.fields import BackboneKind, Name, Samples, SomeSteps, Suite
from trajprompt.config.strict_model import Model, changes
from trajprompt.settings.options import Positive, Rate, Schedule, Share, Size, Steps
from trajprompt.settings.sizes import (
    DataFraction,
    Dropout,
    Episodes,
    Layers,
    Length,
    Position,
    Segments,
    Width,
)


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

    backbone: Name  # a kind, or a name under backbones or algorithms
    prompt_quality: Literal["expert", "medium", "random", "training"] = "expert"
    data_quality: Literal["expert", "medium", "random", "full"] = "expert"
    samples: Samples = 256  # context segments per test task; PTDT section 5.3
    prompts_per_task: Annotated[int, Field(ge=1, le=1000)] = 1  # PDT draws one per task
