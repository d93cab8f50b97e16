"""A ReLU perceptron whose backward pass neither copies nor allocates more than it must."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from trajprompt.models.fused import linear_relu


class _ReluMlp(torch.autograd.Function):
    """Two linear maps with a ReLU between; the hidden layer is overwritten in place.

    PyTorch's own graph writes the hidden layer, the largest tensor of a block, twice
    forward and twice backward.
    """

    @staticmethod
    def forward(
        context: Any,
        x: Tensor,
        expand: Tensor,
        expand_bias: Tensor,
        contract: Tensor,
        bias: Tensor,
    ) -> Tensor:
        hidden = linear_relu(x, expand, expand_bias)
        context.save_for_backward(x, hidden, expand, contract)
        return F.linear(hidden, contract, bias)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Any:  # type: ignore[override]
        x, hidden, expand, contract = context.saved_tensors
        flat, flat_hidden = gradient.flatten(0, -2), hidden.flatten(0, -2)
        to_hidden = flat @ contract  # (N, inner)
        torch.ops.aten.threshold_backward.grad_input(
            to_hidden, flat_hidden, 0, grad_input=to_hidden
        )
        of_x, *of_weights = context.needs_input_grad
        along_x = (to_hidden @ expand).view(x.shape) if of_x else None
        if not any(of_weights):
            return along_x, None, None, None, None
        return (
            along_x,
            to_hidden.t() @ x.flatten(0, -2),
            to_hidden.sum(0),
            flat.t() @ flat_hidden,
            flat.sum(0),
        )


def relu_mlp(
    x: Tensor, expand: Tensor, expand_bias: Tensor, contract: Tensor, contract_bias: Tensor
) -> Tensor:
    """contract . relu(expand . x + expand_bias) + contract_bias, over the last dimension.

    Differentiable once, and not for weights that are frozen. x (..., W), expand
    (inner, W), contract (W, inner).
    """
    if torch.is_grad_enabled():
        return _ReluMlp.apply(x, expand, expand_bias, contract, contract_bias)
    return F.linear(linear_relu(x, expand, expand_bias), contract, contract_bias)
