"""Low-rank updates of frozen weights: LoRA (Hu et al. 2021, arXiv 2106.09685, Eq. 3).

W x + (alpha / r) B A x with A (r, in) and B (out, r). A starts random, B at zero, so the
initial model is the frozen one. After tuning, the product is added to W: the tuned model
has the architecture and the cost of the backbone.
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

LOW_RANK = "low_rank."  # prefix of the names of stored updates


class LowRank(nn.Module):
    """Parametrisation of a weight (out, in): the weight plus (alpha / r) B A."""

    def __init__(self, weight: Tensor, rank: int, alpha: float, generator: torch.Generator):
        super().__init__()
        outputs, inputs = weight.shape
        # The paper names no deviation. This is that of the uniform draw in its public code.
        drawn = torch.randn(rank, inputs, generator=generator) / math.sqrt(3 * inputs)
        self.a = nn.Parameter(drawn.to(weight.device))
        self.b = nn.Parameter(torch.zeros(outputs, rank, device=weight.device))
        self.scale = alpha / rank

    def forward(self, weight: Tensor) -> Tensor:
        """Return the updated weight (out, in)."""
        return weight + (self.scale * (self.b @ self.a)).to(weight.dtype)


def add_low_rank(model: nn.Module, layers: Mapping[str, LowRank]) -> None:
    """Freeze ``model``, and update the weights of its linear ``layers``, by name."""
    model.requires_grad_(False)
    for name, update in layers.items():
        parametrize.register_parametrization(model.get_submodule(name), "weight", update)


def stored_updates(layers: Mapping[str, LowRank]) -> dict[str, Tensor]:
    """Return ``a`` (r, in) and ``b`` (out, r) of every layer; b contains the scale."""
    made = {}
    for name, update in layers.items():
        made[f"{LOW_RANK}{name}.a"] = update.a.detach()
        made[f"{LOW_RANK}{name}.b"] = update.scale * update.b.detach()
    return made


def merged(state: Mapping[str, Tensor], updates: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the state dict ``state`` with the stored ``updates`` added to its weights.

    Raises RuntimeError, as `load_state_dict` does, if names or shapes do not fit.
    """
    full = dict(state)
    for layer in sorted({name.rpartition(".")[0] for name in updates}):
        weight = f"{layer.removeprefix(LOW_RANK)}.weight"
        names = [f"{layer}.a", f"{layer}.b"]
        if weight not in state or not set(names) <= set(updates):
            raise RuntimeError(f"{layer} needs a, b and a layer of the backbone")
        a, b = (updates[name].to(full[weight]) for name in names)
        if (b @ a).shape != full[weight].shape:
            raise RuntimeError(f"{layer} has another shape than the layer's weight")
        full[weight] = full[weight] + b @ a
    if unknown := [name for name in updates if not name.endswith((".a", ".b"))]:
        raise RuntimeError(f"unexpected {', '.join(unknown)}")
    return full
