"""Eq. 5 with its gradient: how a prompt's numbers change the frozen backbone's loss."""

from typing import TYPE_CHECKING

from torch import Tensor

from trajprompt.numerics.device import resolve_precision
from trajprompt.trajectories.segments import Segments

if TYPE_CHECKING:
    from trajprompt.models.backbone import Backbone


class PromptLoss:
    """Mean squared action error of each row, differentiable in the prompts alone.

    The backbone is a frozen copy in the number type of ``precision``, without dropout;
    gradients reach whatever made the prompts, in its own number type.
    """

    def __init__(self, backbone: "Backbone", precision: str):
        dtype = resolve_precision(precision, backbone.device)
        copy = backbone.with_weights(backbone.model.state_dict()).model
        self.model = copy.to(dtype).requires_grad_(False)

    def __call__(self, prompts: Segments, contexts: Segments) -> Tensor:
        """Prompts (R, P, ..) on contexts (R, b, K, ..) of their rows: (R,)."""
        rows, batch = contexts.leading
        context = contexts.flatten()  # (R * b, K, ..)
        predicted = self.model(context, prompts.repeat_interleave(batch))
        errors = (predicted - context.actions).square().mean(dim=-1) * context.mask
        return errors.view(rows, -1).sum(dim=1) / contexts.mask.sum(dim=(1, 2))
