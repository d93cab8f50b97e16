"""AdamW on the float32 master weights of S models of one architecture."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from trajprompt.numerics.flat_adamw import FlatAdamW

# Each parameter is padded to a multiple of this number of elements. AdamW's kernels then
# treat it in the same way wherever its model is in the stack. Matrix products on a GPU are
# faster with aligned operands.
ALIGNMENT = 64


class StackedWeights:
    """The trainable weights of S models, a row (n,) of one matrix for each, and AdamW.

    ``working`` (S, n) has the number type of the computation; with float32 it is the
    matrix of master weights. Every model has its own gradient norm, clipping and moments.
    """

    def __init__(
        self, models: Sequence[nn.Module], dtype: torch.dtype, weight_decay: float
    ):
        self.models = models
        trained = [
            {name: p for name, p in model.named_parameters() if p.requires_grad}
            for model in models
        ]
        self.shapes = {name: p.shape for name, p in trained[0].items()}
        sizes = [shape.numel() for shape in self.shapes.values()]
        self.sizes = [size + -size % ALIGNMENT for size in sizes]
        device = next(iter(trained[0].values())).device
        self.master = torch.zeros(len(models), sum(self.sizes), device=device)
        self.master.grad = torch.zeros_like(self.master)
        for parameters, row in zip(trained, self.master, strict=True):
            for name, part in self._parts(row[None]).items():
                part.copy_(parameters[name].detach())
        self.working = self.master.detach().to(dtype).requires_grad_()
        # A tensor, because a captured step reads it again at every replay.
        self.learning_rate = torch.zeros((), device=device)
        self.optimiser = FlatAdamW(self.master, self.learning_rate, weight_decay)

    def parameters(self) -> dict[str, Tensor]:
        """Views (S, ..) of the working weights, by the names of the models' parameters."""
        return self._parts(self.working)

    @torch.no_grad()
    def step(self, gradient: Tensor, clip: float) -> Tensor:
        """Clip each model's gradient to ``clip``, update; return the norms (S,) before."""
        assert self.master.grad is not None
        self.master.grad.copy_(gradient)
        norms = torch.linalg.vector_norm(self.master.grad, dim=1)
        self.master.grad.mul_((clip / (norms + 1e-6)).clamp(max=1.0)[:, None])
        self.optimiser.step()
        self._refresh()
        return norms

    def release(self) -> None:
        """Write the master weights back into the models."""
        for model, row in zip(self.models, self.master, strict=True):
            for name, part in self._parts(row[None]).items():
                model.get_parameter(name).data = part[0].clone()

    def state(self) -> dict[str, Any]:
        """Master weights and the optimiser's moments (a `checkpoint.Resumable`)."""
        return self.optimiser.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        self.optimiser.restore(state)
        self._refresh()

    def _parts(self, matrix: Tensor) -> dict[str, Tensor]:
        """Views (S, ..) of ``matrix`` (S, n), by the names of the parameters."""
        parts = matrix.split(self.sizes, dim=1)
        return {
            name: part[:, : shape.numel()].view(len(matrix), *shape)
            for (name, shape), part in zip(self.shapes.items(), parts, strict=True)
        }

    def _refresh(self) -> None:
        if self.working.dtype is not torch.float32:
            self.working.detach().copy_(self.master)
