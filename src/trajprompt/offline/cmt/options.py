"""Options of the representation stage of the Contextual Meta Transformer (section 4.1).

The appendix with the paper's sizes is lost. All defaults are ours unless a source is named.
"""

from dataclasses import dataclass

from trajprompt.models.cmt.config import Discount
from trajprompt.settings.options import (
    NonNegative,
    Positive,
    Rate,
    Share,
    Size,
    SmallCount,
    Steps,
    Strict,
)


@dataclass(frozen=True)
class CmtOptions(Strict):
    """Defaults: the size of the evening preset."""

    width: Size = 64
    encoder_layers: SmallCount = 2
    generator_layers: SmallCount = 3
    prompt_dim: Size = 64
    history: SmallCount = 20
    context_length: SmallCount = 10
    batch: Size = 64  # windows per update; also the number K of prompts in Eq. 3
    learning_rate: Rate = 1e-3  # falls to zero along a half cosine
    warmup: Steps = 50  # updates
    gradient_clip: Positive = 1.0  # Trajectory Transformer, config/offline.py
    discount: Discount = 0.99  # of values; Trajectory Transformer's
    action_weight: Positive = 5.0  # of action errors; Trajectory Transformer's
    contrast: NonNegative = 0.1  # gamma of section 4.1; between the ablation's 1e-6 and 1
    temperature: Positive = 0.1  # alpha of Eq. 3
    without_history: Share = 0.1  # share of windows whose history is hidden
    data_share: Share = 1.0  # of the episodes, those with the highest returns
