"""Layer norm whose weight and bias get exact gradients in bfloat16, too."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class LayerNorm(nn.LayerNorm):
    """Layer norm; in bfloat16 its parameters' gradients are summed in float32.

    On a CPU the fused operation sums them over all tokens in bfloat16. With 300 sequences
    a bias then gets a sixth of its gradient. Summing as a separate operation does not.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Map (.., W) to (.., W)."""
        in_float32 = x.dtype is torch.float32 or x.device.type != "cpu"
        if in_float32 or not self.weight.requires_grad:
            return super().forward(x)
        normalised = F.layer_norm(x, self.normalized_shape, eps=self.eps)
        return normalised * self.weight + self.bias
