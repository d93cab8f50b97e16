"""Forward pass of S prompt decision transformers of one architecture, one per seed.

The same arithmetic as `PromptDT.forward`, with parameters (S, ..) and batched products.
Axis 0 of every tensor is the stack.
"""

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from trajprompt.models.blocks import EPSILON
from trajprompt.models.prompt_dt import BackboneConfig, additive_mask
from trajprompt.numerics.stacked_layers import embedding, layer_norm, linear
from trajprompt.trajectories.segments import Segments

Drop = Callable[[Tensor], Tensor]


def keep_all(x: Tensor) -> Tensor:
    """Dropout of a model in evaluation."""
    return x


class StackedPromptDT:
    """S models; ``parameters`` are (S, ..), by the names that they have in `PromptDT`."""

    def __init__(self, config: BackboneConfig, parameters: Mapping[str, Tensor]):
        self.config, self.parameters = config, parameters
        self.places = 3 if config.uses_returns else 2  # tokens per context step

    def __call__(
        self, context: Segments, prompt: Segments | None, drop: Drop = keep_all
    ) -> Tensor:
        """Predict actions (S, B, K, A) float32 for ``context`` (S, B, K, ..)."""
        tokens, visible, first = self._embed(context, prompt)
        # No state token attends to the last action token, so it is left out.
        tokens, visible = tokens[:, :, :-1], visible[:, :, :-1]
        stack = visible.shape[:2]
        mask = additive_mask(visible.flatten(0, 1), tokens.dtype).unflatten(0, stack)
        x = drop(tokens)
        last = self.config.layers - 1
        for layer in range(last):
            x = self._block(layer, x, mask, slice(None), drop)
        # Of the last block, only the outputs at state tokens are needed.
        states = slice(first + self.places - 2, None, self.places)
        x = self._block(last, x, mask[:, :, states], states, drop)
        return torch.tanh(self.linear("predict_action", self.norm("norm_final", x)).float())

    def linear(self, name: str, x: Tensor) -> Tensor:
        """Map (S, .., in) to (S, .., out) by the linear map ``name``."""
        return linear(x, self.parameters[f"{name}.weight"], self.parameters[f"{name}.bias"])

    def norm(self, name: str, x: Tensor) -> Tensor:
        """Layer norm ``name`` of (S, .., W)."""
        weight, bias = self.parameters[f"{name}.weight"], self.parameters[f"{name}.bias"]
        return layer_norm(x, weight, bias, EPSILON)

    def tokens(self, name: str, steps: Segments, with_returns: bool) -> Tensor:
        """Tokens (S, B, 3K, W) of steps (S, B, K, ..), or (S, B, 2K, W) without returns."""
        dtype = self.parameters[f"{name}.states.weight"].dtype
        table = self.parameters[f"{name}.timesteps.weight"]
        time = embedding(table, steps.timesteps.clamp(max=table.shape[1] - 1))
        parts = {"states": steps.states, "actions": steps.actions}
        if with_returns:
            parts = {"returns": steps.returns_to_go, **parts}
        tokens = [
            self.linear(f"{name}.{part}", values.to(dtype)) + time
            for part, values in parts.items()
        ]
        return torch.stack(tokens, dim=3).flatten(2, 3)

    def _embed(
        self, context: Segments, prompt: Segments | None
    ) -> tuple[Tensor, Tensor, int]:
        """Tokens (S, B, T, W), mask of real ones, index of the first context token."""
        raw = self.tokens("embed_context", context, self.config.uses_returns)
        tokens = self.norm("norm_context", raw)
        visible = context.mask.repeat_interleave(self.places, dim=2)
        if prompt is None:
            return tokens, visible, 0
        before = self.tokens("embed_prompt", prompt, with_returns=True)
        shown = prompt.mask.repeat_interleave(3, dim=2)
        joined = torch.cat([before, tokens], dim=2)
        return joined, torch.cat([shown, visible], dim=2), before.shape[2]

    def _block(
        self, layer: int, x: Tensor, mask: Tensor, queries: slice, drop: Drop
    ) -> Tensor:
        """Outputs (S, B, Q, W) of a block at the tokens ``queries`` of x (S, B, T, W)."""
        name = f"blocks.{layer}"
        inputs = self.norm(f"{name}.norm_attention", x)
        x = x[:, :, queries] + drop(self._attend(name, inputs, mask, queries, drop))
        hidden = self.linear(f"{name}.expand", self.norm(f"{name}.norm_mlp", x))
        return x + drop(self.linear(f"{name}.contract", torch.relu(hidden)))

    def _attend(
        self, name: str, x: Tensor, mask: Tensor, queries: slice, drop: Drop
    ) -> Tensor:
        query_weight, query_bias, value_weight, value_bias = self.fold(name)
        query = linear(x[:, :, queries], query_weight, query_bias).flatten(0, 1)
        values = linear(x, value_weight, value_bias).flatten(0, 1)
        keys = x.flatten(0, 1).transpose(1, 2)
        scores = torch.baddbmm(mask.flatten(0, 1), query, keys)  # (S * B, Q, T)
        weights = drop(torch.softmax(scores, dim=-1).unflatten(0, x.shape[:2]))
        mixed = torch.bmm(weights.flatten(0, 1), values).unflatten(0, x.shape[:2])
        return mixed + self.parameters[f"{name}.project.bias"][:, None, None]

    def fold(self, name: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The two linear maps of a block's attention (`Block.fold`), each (S, ..)."""
        weight, bias = (
            {part: self.parameters[f"{name}.{part}.{kind}"] for part in PARTS}
            for kind in ("weight", "bias")
        )
        key = weight["key"].transpose(1, 2) * (1.0 / math.sqrt(self.config.width))
        project = weight["project"]
        return (
            torch.bmm(key, weight["query"]),
            torch.bmm(key, bias["query"][:, :, None]).squeeze(2),
            torch.bmm(project, weight["value"]),
            torch.bmm(project, bias["value"][:, :, None]).squeeze(2),
        )


PARTS = ("query", "key", "value", "project")


def dropped_elements(config: BackboneConfig, batch: int, prompt_steps: int) -> int:
    """Number of values per seed that dropout multiplies in one pass."""
    places = 3 if config.uses_returns else 2
    tokens = 3 * prompt_steps + places * config.context_length - 1
    width, states = config.width, config.context_length
    block = tokens * (tokens + 2 * width)
    last = states * (tokens + 2 * width)
    return batch * (tokens * width + (config.layers - 1) * block + last)


def action_losses(predicted: Tensor, context: Segments) -> Tensor:
    """`action_loss` of each model, (S,), of predictions (S, B, K, A)."""
    weight = context.mask.unsqueeze(-1).to(predicted.dtype)  # (S, B, K, 1)
    squared = (predicted - context.actions.to(predicted.dtype)).square()
    steps = weight.sum(dim=(1, 2, 3))
    return (squared * weight).sum(dim=(1, 2, 3)) / (steps * predicted.shape[-1])
