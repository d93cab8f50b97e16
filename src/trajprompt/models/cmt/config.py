"""Architecture of the Contextual Meta Transformer."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Interval

from trajprompt.settings.options import Size, SmallCount, Strict

Discount = Annotated[float, Interval(ge=0, lt=1)]
Units = Annotated[int, Interval(ge=0, le=4096)]


@dataclass(frozen=True)
class CmtConfig(Strict):
    """Sizes of a model."""

    state_dim: Size
    action_dim: Size
    width: Size
    encoder_layers: SmallCount
    generator_layers: SmallCount
    prompt_dim: Size
    history: SmallCount  # H: transitions that the encoder reads
    context_length: SmallCount  # K: steps of a window of the generator
    discount: Discount  # of the values
    adaptor: Units = 0  # hidden units of the adaptor; 0: none
    constant_prompt: bool = False  # True: a stored prompt replaces those of the encoder

    uses_prompt: ClassVar[bool] = False  # a trajectory prompt
    uses_returns: ClassVar[bool] = False
