"""AdamW on float32 master weights, with a model that computes in lower precision."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from trajprompt.numerics.flat_adamw import FlatAdamW


class MasterWeights:
    """The trainable weights of ``model`` in one flat float32 vector, with its optimiser.

    Until `release`, the model's parameters are views of one working vector in ``dtype``
    and their gradients views of another. Clipping, AdamW and the cast are then one pass
    each. With float32 the working vector is the master vector.
    """

    def __init__(
        self,
        model: nn.Module,
        dtype: torch.dtype,
        learning_rate: float,
        weight_decay: float,
    ):
        self.model = model
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        flat = torch.cat([p.detach().float().flatten() for p in self.parameters])
        self.master = nn.Parameter(flat)
        self.working = self.master.detach().to(dtype)
        self.gradient = torch.zeros_like(self.working)
        self.master.grad = self.gradient.to(torch.float32)  # the same if float32
        for parameter, weight, gradient in self._views(self.working, self.gradient):
            parameter.data = weight
            parameter.grad = gradient
        self.optimiser = FlatAdamW(self.master, learning_rate, weight_decay)

    def gradient_norm(self) -> Tensor:
        """Euclidean norm of the present gradient, in float32."""
        gradient = self._master_gradient()
        if gradient is not self.gradient:
            gradient.copy_(self.gradient)
        return torch.linalg.vector_norm(gradient)

    @torch.no_grad()
    def step(self, learning_rate: float, clip: float, norm: Tensor) -> None:
        """Clip the gradient of norm ``norm`` to ``clip``, update weights, zero it."""
        self._master_gradient().mul_((clip / (norm + 1e-6)).clamp(max=1.0))
        self.optimiser.learning_rate = learning_rate
        self.optimiser.step()
        self.gradient.zero_()
        if self.working.dtype is not torch.float32:
            self.working.copy_(self.master.detach())

    def _master_gradient(self) -> Tensor:
        assert self.master.grad is not None
        return self.master.grad

    def state(self) -> dict[str, Any]:
        """Master weights and the optimiser's moments (a `checkpoint.Resumable`)."""
        return self.optimiser.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        self.optimiser.restore(state)
        if self.working.dtype is not torch.float32:
            self.working.copy_(self.master.detach())

    def release(self) -> None:
        """Give the model separate float32 weights, without gradients."""
        for parameter, weight, _ in self._views(self.master.detach(), self.gradient):
            parameter.grad = None
            parameter.data = weight.clone()

    def _views(
        self, weights: Tensor, gradients: Tensor
    ) -> list[tuple[nn.Parameter, Tensor, Tensor]]:
        sizes = [p.numel() for p in self.parameters]
        parts = zip(
            self.parameters, weights.split(sizes), gradients.split(sizes), strict=True
        )
        return [(p, w.view(p.shape), g.view(p.shape)) for p, w, g in parts]
