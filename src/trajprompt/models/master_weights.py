"""AdamW on float32 master weights while the model computes in a shorter number type."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw


class MasterWeights:
    """The trainable weights of ``model`` in one flat float32 vector, with its optimiser.

    While this object lives the model's parameters are views of one working vector in
    ``dtype`` and their gradients views of another, so clipping, AdamW and the cast are one
    pass each. With float32 the working vector is the master itself.
    """

    def __init__(
        self,
        model: nn.Module,
        dtype: torch.dtype,
        weight_decay: float,
    ):
        self.model = model
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        flat = torch.cat([p.detach().float().flatten() for p in self.parameters])
        self.master = nn.Parameter(flat)
        self.working = self.master.detach().to(dtype)
        self.gradient = torch.zeros_like(self.working)
        self.master.grad = self.gradient.to(torch.float32)  # itself if dtype is float32
        for parameter, weight, gradient in self._views(self.working, self.gradient):
            parameter.data = weight
            parameter.grad = gradient
        self.weight_decay = weight_decay
        self.moments = torch.zeros_like(flat), torch.zeros_like(flat)
        self.updates = torch.zeros((), device=flat.device)  # as the fused kernel counts

    def gradient_norm(self) -> Tensor:
        """The float32 Euclidean norm of the gradient now."""
        gradient = self._master_gradient()
        if gradient is not self.gradient:
            gradient.copy_(self.gradient)
        return torch.linalg.vector_norm(gradient)

    @torch.no_grad()
    def step(self, learning_rate: float, clip: float, norm: Tensor) -> None:
        """Clip the gradient, whose norm is ``norm``, to ``clip``; update; clear."""
        self._master_gradient().mul_((clip / (norm + 1e-6)).clamp(max=1.0))
        self._adamw(learning_rate)
        self.gradient.zero_()
        if self.working.dtype is not torch.float32:
            self.working.copy_(self.master.detach())

    def _adamw(self, learning_rate: float) -> None:
        """PyTorch's kernel without its Optimizer, which imports its compiler: 1.7 CPU-s."""
        first, second = self.moments
        adamw(
            [self.master],
            [self._master_gradient()],
            [first],
            [second],
            [],
            [self.updates],
            fused=True,
            amsgrad=False,
            beta1=0.9,  # PyTorch's defaults, as in the reference
            beta2=0.999,
            eps=1e-8,
            lr=learning_rate,
            weight_decay=self.weight_decay,
            maximize=False,
        )

    def _master_gradient(self) -> Tensor:
        assert self.master.grad is not None
        return self.master.grad

    def state(self) -> dict[str, Any]:
        """Master weights and AdamW's moments (a `checkpoint.Resumable`)."""
        first, second = self.moments
        return {
            "master": self.master,
            "first": first,
            "second": second,
            "updates": self.updates,
        }

    @torch.no_grad()
    def restore(self, state: Mapping[str, Any]) -> None:
        first, second = self.moments
        for name, tensor in (("master", self.master), ("first", first), ("second", second)):
            tensor.copy_(torch.from_numpy(state[name]))
        self.updates.fill_(float(state["updates"]))
        if self.working.dtype is not torch.float32:
            self.working.copy_(self.master)

    def release(self) -> None:
        """Give the model its own float32 weights, without gradients."""
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
