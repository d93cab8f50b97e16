"""AdamW over one flat vector: PyTorch's fused kernel without its Optimizer.

The Optimizer class imports PyTorch's compiler when it is first used: 1.7 CPU-s of a job.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.optim.adamw import adamw


class FlatAdamW:
    """Optimiser of a vector that has a gradient; without weight decay it is Adam."""

    def __init__(
        self,
        vector: Tensor,
        learning_rate: float | Tensor,  # a tensor if a CUDA graph has to read it
        weight_decay: float = 0.0,
        betas: tuple[float, float] = (0.9, 0.999),  # PyTorch's defaults
    ):
        self.vector, self.learning_rate = vector, learning_rate
        self.weight_decay, self.betas = weight_decay, betas
        self.moments = torch.zeros_like(vector), torch.zeros_like(vector)
        self.updates = torch.zeros((), device=vector.device)  # the kernel's count

    def minimise(self, loss: Tensor) -> None:
        """Take one step; gradients are zeroed in place because parameters view them."""
        assert self.vector.grad is not None
        self.vector.grad.zero_()
        loss.backward()
        self.step()

    @torch.no_grad()
    def step(self) -> None:
        assert self.vector.grad is not None
        first, second = self.moments
        adamw(
            [self.vector],
            [self.vector.grad],
            [first],
            [second],
            [],
            [self.updates],
            fused=True,
            amsgrad=False,
            beta1=self.betas[0],
            beta2=self.betas[1],
            eps=1e-8,  # PyTorch's default, as in the reference
            lr=self.learning_rate,
            weight_decay=self.weight_decay,
            maximize=False,
        )

    def state(self) -> dict[str, Tensor]:
        """All that a step changes, including the vector (a `checkpoint.Resumable`)."""
        first, second = self.moments
        return {
            "vector": self.vector,
            "first": first,
            "second": second,
            "updates": self.updates,
        }

    @torch.no_grad()
    def restore(self, state: Mapping[str, Any]) -> None:
        for name, tensor in self.state().items():
            tensor.copy_(torch.as_tensor(state[name]))  # in place: parameters view it
