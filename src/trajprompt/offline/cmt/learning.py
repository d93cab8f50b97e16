"""Representation stage: a stack of models, one per seed, each with an optimiser."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from trajprompt.models.cmt.model import Cmt
from trajprompt.numerics.flat_adamw import FlatAdamW
from trajprompt.offline.cmt.objective import losses
from trajprompt.offline.cmt.options import CmtOptions
from trajprompt.offline.cmt.windows import Windows, WindowTable
from trajprompt.offline.networks import optimiser
from trajprompt.offline.noise import Noise


class CmtLearner:
    """Models of all seeds (`offline.training.Learning`). They share nothing."""

    def __init__(
        self,
        models: Sequence[Cmt],
        options: CmtOptions,
        table: WindowTable,
        noise: Noise,
        updates: int,
    ):
        self.models, self.options, self.table = models, options, table
        self.noise, self.updates, self.done = noise, updates, 0
        self.optimisers = [optimiser(one, options.learning_rate) for one in models]

    def update(self, batch: Windows) -> dict[str, Tensor]:
        """Do one update per model on its windows of ``batch`` (T, B); return its losses."""
        rate = learning_rate_at(self.done, self.updates, self.options)
        shape, starts = batch.starts.shape[1:], batch.starts
        other = self.table.other_history(starts, (self.noise.uniform(*shape) + 1) / 2)
        hidden = (self.noise.uniform(*shape) + 1) / 2 < self.options.without_history
        found = []
        for member, (model, one) in enumerate(
            zip(self.models, self.optimisers, strict=True)
        ):
            parts = losses(
                model,
                _member(batch, member),
                _member(other, member),
                hidden[member],
                self.options,
            )
            step(one, parts["total"], rate, self.options.gradient_clip)
            found.append({name: part.detach() for name, part in parts.items()})
        self.done += 1
        return {name: torch.stack([one[name] for one in found]) for name in found[0]}

    def state(self) -> dict[str, Any]:
        return {
            "done": self.done,
            "noise": self.noise.state(),
            "optimisers": {str(n): one.state() for n, one in enumerate(self.optimisers)},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self.done = int(state["done"])
        self.noise.restore(state["noise"])
        for number, one in enumerate(self.optimisers):
            one.restore(state["optimisers"][str(number)])


def learning_rate_at(step: int, updates: int, options: CmtOptions) -> float:
    """Rate of update ``step`` (from 0): a linear warm-up, then half a cosine to zero."""
    if step < options.warmup:
        return options.learning_rate * (step + 1) / options.warmup
    share = (step - options.warmup) / max(1, updates - options.warmup)
    return options.learning_rate * 0.5 * (1 + math.cos(math.pi * share))


def step(optimiser: FlatAdamW, loss: Tensor, rate: float, clip: float) -> None:
    """Minimise ``loss`` by one step whose gradient has at most the norm ``clip``."""
    gradient = optimiser.vector.grad
    assert gradient is not None
    gradient.zero_()
    loss.backward()
    norm = torch.linalg.vector_norm(gradient)
    gradient.mul_(clip / norm.clamp(min=clip))
    optimiser.learning_rate = rate
    optimiser.step()


def _member(batch: Any, member: int) -> Any:
    """One seed's part of nested tuples of tensors (T, ..)."""
    if isinstance(batch, Tensor):
        return batch[member]
    return type(batch)(*(_member(part, member) for part in batch))
