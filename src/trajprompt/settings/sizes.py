"""Sizes of backbones and prompts, with their bounds."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from annotated_types import Interval

from trajprompt.settings.options import Strict

# Bounds shared with the configuration.
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
    """Form of a prompt: number, length and position of its segments."""

    segments: Segments  # J, consecutive in the prompt
    length: Length  # H, steps of one segment
    position: Position = "end"  # where segments are in demonstrations

    def attributes(self) -> dict[str, Any]:
        """The form as attributes of a file."""
        return {f"prompt_{name}": value for name, value in vars(self).items()}


@dataclass(frozen=True)
class BackboneSizes(Strict):
    """Sizes of a backbone's architecture."""

    width: Width
    layers: Layers
    heads: Literal[1]
    dropout: Dropout
    context_length: Length  # K
