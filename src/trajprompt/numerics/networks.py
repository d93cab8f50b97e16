"""Stacks of small networks: the multilayer perceptrons of T tasks in batched products.

The T networks of a stack share no parameters. With a loss summed over tasks, every network
learns exactly as it would alone (tested), because Adam works element by element. On a GPU,
one kernel launch serves all tasks; on a CPU, there are fewer small calls.
"""

import itertools
import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

# One for the whole stack, or one per member, whose weights then do not depend on others.
Generators = torch.Generator | Sequence[torch.Generator]
LANES = 64  # a multiple of the elements that any CPU's vector instructions take


class StackedLinear(nn.Module):
    """T affine maps: (T, B, inputs) -> (T, B, outputs)."""

    def __init__(self, stack: int, inputs: int, outputs: int, generator: Generators):
        super().__init__()
        # Same initial range as torch.nn.Linear.
        bound = 1 / math.sqrt(inputs)
        self.weight = nn.Parameter(_uniform((stack, inputs, outputs), bound, generator))
        self.bias = nn.Parameter(_uniform((stack, 1, outputs), bound, generator))

    def forward(self, x: Tensor, frozen: bool = False) -> Tensor:
        """Map (T, B, inputs) to (T, B, outputs).

        With ``frozen``, gradients reach ``x`` but not the parameters.
        """
        weight, bias = self.weight.to(x.dtype), self.bias.to(x.dtype)
        if frozen:
            weight, bias = weight.detach(), bias.detach()
        if weight.shape[::2] == (1, 1):  # one column: another kernel than in a stack of two
            return torch.baddbmm(*(m.expand(2, -1, -1) for m in (bias, x, weight)))[:1]
        return torch.baddbmm(bias, x, weight)


class StackedMLP(nn.Module):
    """T perceptrons with ReLU: (T, B, inputs) -> (T, B, outputs) float32.

    ``layer_norm`` normalises each hidden layer before its ReLU, without gain and bias. It
    bounds the critics; some suites need this for learning rates above 3e-4. Products are
    computed in ``dtype``; parameters and outputs are float32.
    """

    def __init__(
        self,
        stack: int,
        sizes: tuple[int, ...],
        generator: Generators,
        layer_norm: bool = False,
        dtype: torch.dtype = torch.float32,
    ):
        super().__init__()
        pairs = itertools.pairwise(sizes)
        self.layers = nn.ModuleList(StackedLinear(stack, i, o, generator) for i, o in pairs)
        self.layer_norm = layer_norm
        self.dtype = dtype

    @property
    def affine(self) -> list[tuple[Tensor, Tensor]]:
        """Weights (T, inputs, outputs) and biases (T, 1, outputs) of each layer."""
        return [
            (layer.get_parameter("weight"), layer.get_parameter("bias"))
            for layer in self.layers
        ]

    def forward(self, x: Tensor, frozen: bool = False) -> Tensor:
        x = x.to(self.dtype)
        for layer in list(self.layers)[:-1]:
            x = layer(x, frozen)
            if self.layer_norm:
                x = functional.layer_norm(x, x.shape[-1:])
            x = functional.relu(x, inplace=True)  # the layer's own output
        return self.layers[-1](x, frozen).float()


class TwinCritic(nn.Module):
    """Two Q networks per task, in one stack of 2T networks."""

    def __init__(
        self,
        stack: int,
        sizes: tuple[int, ...],
        generator: Generators,
        layer_norm: bool,
        dtype: torch.dtype,
    ):
        super().__init__()
        if not isinstance(generator, torch.Generator):
            generator = [*generator, *generator]  # in turn for both networks of a member
        self.network = StackedMLP(2 * stack, sizes, generator, layer_norm, dtype)

    def forward(self, features: Tensor, actions: Tensor, frozen: bool = False) -> Tensor:
        """Values (2, T, B) of ``features`` (T, B, F) and ``actions`` (T, B, A)."""
        pairs = torch.cat([features, actions], dim=-1).to(self.network.dtype)
        values = self.network(pairs.repeat(2, 1, 1), frozen)  # (2T, B, 1)
        return values.view(2, *pairs.shape[:2])


def flatten_parameters(module: nn.Module, multiple: int = 1) -> Tensor:
    """Move the parameters and gradients of ``module`` into one vector, and return it.

    The parameters become views of the vector, which is a leaf tensor. An optimiser step or
    a Polyak average is then one operation instead of one per layer. The vector is padded
    with zeros to a ``multiple``: with `LANES`, no parameter is in the rest of a vectorised
    loop, which rounds differently, and a member's bits do not depend on its stack.
    """
    parameters = list(module.parameters())
    flat = torch.cat([p.detach().reshape(-1) for p in parameters])
    flat = functional.pad(flat, (0, -len(flat) % multiple))
    flat.grad = torch.zeros_like(flat)
    for parameter, data, grad in zip(
        parameters,
        _views(flat, parameters),
        _views(flat.grad, parameters),
        strict=True,
    ):
        parameter.data = data
        parameter.grad = grad
    return flat


def _uniform(shape: tuple[int, ...], bound: float, generator: Generators) -> Tensor:
    """Uniform values in ±bound; with a generator per member, a member's own draws."""
    if isinstance(generator, torch.Generator):
        draws = torch.rand(shape, generator=generator)
    else:
        draws = torch.stack([torch.rand(shape[1:], generator=one) for one in generator])
    return (draws * 2 - 1) * bound


def _views(flat: Tensor, parameters: Iterable[Tensor]) -> list[Tensor]:
    shapes = [p.shape for p in parameters]
    used = flat[: sum(shape.numel() for shape in shapes)]
    pieces = used.split([shape.numel() for shape in shapes])
    return [piece.view(shape) for piece, shape in zip(pieces, shapes, strict=True)]
