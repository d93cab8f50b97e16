"""Step-by-step inference of S backbones of one architecture, with R episodes each.

The arithmetic is that of `inference.Window`. Every step has the same shapes, from the first
one on: slots of the window that are still empty are masked. A step is therefore one CUDA
graph that is replayed at every control step.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from trajprompt.models.backbone import Backbone
from trajprompt.models.blocks import EPSILON, MASKED
from trajprompt.models.inference import Affine, InferenceBlock, InferenceModel
from trajprompt.models.prompt_dt import additive_mask
from trajprompt.models.stacked import StackedPromptDT
from trajprompt.models.window import ring_mask
from trajprompt.numerics.cuda_graph import Replay
from trajprompt.numerics.stacked_layers import layer_norm, linear
from trajprompt.trajectories.normaliser import Normaliser
from trajprompt.trajectories.segments import Segments


class StackedBlock:
    """The folded weights of one block of S models, and of its adaptors if there are any."""

    def __init__(self, blocks: Sequence[InferenceBlock]):
        names = "query", "value", "norm_attention", "norm_mlp", "expand", "contract"
        self.maps = {
            name: _stack([getattr(block, name) for block in blocks]) for name in names
        }
        found = [block.adaptor for block in blocks if block.adaptor is not None]
        if found:
            self.maps["down"] = _stack([adaptor.down for adaptor in found])
            self.maps["up"] = _stack([adaptor.up for adaptor in found])
        prefixes = [block.prefix for block in blocks if block.prefix is not None]
        self.prefix: Tensor | None = None  # (S, n, W) values
        if prefixes:
            self.maps["prefix_key"] = _stack([prefix.key for prefix in prefixes])
            self.prefix = torch.stack([prefix.values for prefix in prefixes])

    def linear(self, name: str, x: Tensor) -> Tensor:
        """Map (S, .., in) to (S, .., out)."""
        return linear(x, *self.maps[name])

    def norm(self, name: str, x: Tensor) -> Tensor:
        """Layer norm of (S, .., W)."""
        return layer_norm(x, *self.maps[name], EPSILON)

    def mlp(self, x: Tensor) -> Tensor:
        """Map x (S, .., W) to x + mlp(norm(x)), then through the adaptor if any."""
        hidden = torch.relu(self.linear("expand", self.norm("norm_mlp", x)))
        out = self.linear("contract", hidden) + x
        if "down" not in self.maps:
            return out
        return self.linear("up", F.gelu(self.linear("down", out))) + out

    def __call__(self, x: Tensor, queries: Tensor, keys: Tensor, mask: Tensor) -> Tensor:
        """Outputs (S, R, Q, W) of the tokens with residuals ``x`` (S, R, Q, W).

        ``queries`` (S, R, Q, W) and ``keys`` (S, R, T, W) are normalised inputs of the
        block; ``mask`` (S * R, Q, T) is added to the scores.
        """
        query, keys = self.linear("query", queries).flatten(0, 1), keys.flatten(0, 1)
        scores = torch.baddbmm(mask, query, keys.transpose(1, 2))
        weights, x = self.weigh(x, queries, scores)
        mixed = torch.bmm(weights, keys).unflatten(0, x.shape[:2])
        return self.mlp(self.linear("value", mixed) + x)

    def weigh(
        self, x: Tensor, queries: Tensor, scores: Tensor, mapped: bool = False
    ) -> tuple[Tensor, Tensor]:
        """As `InferenceBlock.weigh`: x, queries (S, R, Q, W), scores (S * R, ..)."""
        if self.prefix is None:
            return torch.softmax(scores, dim=-1), x
        values = self.prefix
        if mapped:
            values = values + self.maps["value"].bias.unsqueeze(1)
        on_prefix = self.linear("prefix_key", queries).flatten(0, 1)
        weights = torch.softmax(torch.cat([on_prefix, scores], dim=-1), dim=-1)
        length = values.shape[1]
        before = weights[..., :length].unflatten(0, x.shape[:2])  # (S, R, Q, n)
        output = torch.einsum("srqn,snw->srqw", before, values)
        return weights[..., length:], x + output


class StackedInference:
    """Episodes of S backbones at the same control step, R rows of each.

    Inputs and outputs are static buffers: ``observations`` (S, R, ..), ``returns`` (S, R)
    and ``actions`` (S, R, A). Call `start` before the first ``step`` of new episodes.
    """

    @torch.no_grad()
    def __init__(
        self,
        backbones: Sequence[Backbone],
        rows: int,
        prompt_steps: int,  # P; 0 if the backbones take no prompt
        dtype: torch.dtype,
        graphs: bool = True,
    ):
        self.config, self.dtype = backbones[0].config, dtype
        config, device, stack = self.config, backbones[0].device, (len(backbones), rows)
        states = [backbone.model.state_dict() for backbone in backbones]
        weights = {name: torch.stack([s[name] for s in states]) for name in states[0]}
        self.model = StackedPromptDT(config, weights)  # float32: embeddings and head
        self.normaliser = Normaliser(
            torch.stack([backbone.normaliser.mean for backbone in backbones])[:, None],
            torch.stack([backbone.normaliser.std for backbone in backbones])[:, None],
        )
        layers = [InferenceModel(b.model, dtype).blocks for b in backbones]
        self.blocks = [StackedBlock(layer) for layer in zip(*layers, strict=True)]
        self.places, self.prompt = self.model.places, 3 * prompt_steps
        self.observations = torch.zeros(*stack, config.state_dim, device=device)
        self.returns = torch.zeros(stack, device=device)
        self.actions = torch.zeros(*stack, config.action_dim, device=device)
        self.time = torch.zeros((), dtype=torch.int64, device=device)
        tokens = self.prompt + self.places * config.context_length
        window = torch.zeros(*stack, tokens, config.width, dtype=dtype, device=device)
        self.x, self.queries, self.keys, self.values = (window.clone() for _ in range(4))
        # Keys of the prompt's tokens in the blocks after the first.
        self.later = [window[:, :, : self.prompt].clone() for _ in self.blocks[1:]]
        self.masks = self._masks()
        self.padding = window.new_zeros(len(backbones) * rows, 1, tokens)
        self.step = Replay(self._step, device, graphs)

    @torch.no_grad()
    def start(self, prompts: Segments | None) -> None:
        """Begin new episodes with prompts (S, R, P, ..)."""
        for buffer in (self.time, self.x, self.queries, self.keys, self.values):
            buffer.zero_()  # also what an earlier episode left in slots that are empty now
        if prompts is None:
            return
        first, *later = self._prompt_inputs(prompts)
        self.keys[:, :, : self.prompt] = first
        self.values[:, :, : self.prompt] = self.blocks[0].linear("value", first)
        for buffer, keys in zip(self.later, later, strict=True):
            buffer.copy_(keys)
        hidden = ~prompts.mask.flatten(0, 1).repeat_interleave(3, dim=1)
        self.padding[:, 0, : self.prompt] = hidden.to(self.dtype) * MASKED

    def _prompt_inputs(self, prompts: Segments) -> list[Tensor]:
        """The normalised input (S, R, 3P, W) of every block at the prompt's tokens."""
        x = self.model.tokens("embed_prompt", prompts, with_returns=True).to(self.dtype)
        visible = prompts.mask.flatten(0, 1).repeat_interleave(3, dim=1)
        mask, inputs = additive_mask(visible, self.dtype), []
        for block in self.blocks:
            keys = block.norm("norm_attention", x)
            inputs.append(keys)
            x = block(x, keys, keys, mask)
        return inputs

    def _masks(self) -> Tensor:
        """Masks (2K, n, tokens) of the first K steps, then of every slot of a full window.

        The first K hide the slots that are still empty.
        """
        length, places, prompt = self.config.context_length, self.places, self.prompt
        count = length * places
        masks = self.x.new_full((2 * length, count, prompt + count), MASKED)
        masks[..., :prompt] = 0.0
        for number in range(2 * length):
            slot, steps = number % length, min(number + 1, length)
            known = ring_mask(
                slot, steps, places, prompt, length, self.x.dtype, self.x.device
            )[0]
            masks[number, : len(known), : prompt + len(known)] = known
        return masks

    def _step(self) -> None:
        """Read the buffers, store this step's tokens, write the actions."""
        length, places = self.config.context_length, self.places
        slot, before = self.time % length, (self.time - 1) % length
        # At the first step this fills an empty slot, which is masked until it is in use.
        self._put(before, places - 1, self._action_tokens())
        self._put(slot, 0, self._state_tokens())
        index = torch.where(self.time < length, self.time, length + slot)
        mask = self.masks.index_select(0, index[None]) + self.padding  # (S * R, n, tokens)
        output = self._output(slot * places + places - 2, mask)
        normed = self.model.norm("norm_final", output.float())
        self.actions.copy_(torch.tanh(self.model.linear("predict_action", normed)))
        self.time.add_(1)

    def _put(self, slot: Tensor, place: int, tokens: Tensor) -> None:
        """Store tokens (S, R, n, W) of a step in ``slot``, from ``place`` onwards."""
        first = self.blocks[0]
        count = torch.arange(tokens.shape[2], device=tokens.device)
        where = self.prompt + slot * self.places + place + count
        keys = first.norm("norm_attention", tokens)
        self.x.index_copy_(2, where, tokens)
        self.keys.index_copy_(2, where, keys)
        self.queries.index_copy_(2, where, first.linear("query", keys))
        self.values.index_copy_(2, where, first.linear("value", keys))

    def _output(self, state: Tensor, mask: Tensor) -> Tensor:
        """Output (S, R, W) of the last block at the context token with index ``state``."""
        context = slice(self.prompt, None)
        first, *between, last = self.blocks
        shape, keys = self.x.shape[:2], self.keys.flatten(0, 1).transpose(1, 2)
        scores = torch.baddbmm(mask, self.queries[:, :, context].flatten(0, 1), keys)
        inputs = self.x[:, :, context], self.keys[:, :, context]
        weights, x = first.weigh(*inputs, scores, mapped=True)
        mixed = torch.bmm(weights, self.values.flatten(0, 1))
        x = first.mlp(mixed.unflatten(0, shape) + x)
        for block, prompt in zip(between, self.later, strict=False):
            queries = block.norm("norm_attention", x)
            x = block(x, queries, torch.cat([prompt, queries], dim=2), mask)
        queries = last.norm("norm_attention", x)
        keys = torch.cat([self.later[-1], queries], dim=2)
        chosen = state[None]
        x, queries = x.index_select(2, chosen), queries.index_select(2, chosen)
        return last(x, queries, keys, mask.index_select(1, chosen)).squeeze(2)

    def _state_tokens(self) -> Tensor:
        """Return and state tokens (S, R, 2, W); (S, R, 1, W) without returns."""
        states, time = self.normaliser.normalise(self.observations), self._time(self.time)
        tokens = [self.model.linear("embed_context.states", states) + time]
        if self.config.uses_returns:
            returns = self.returns[..., None]
            tokens.insert(0, self.model.linear("embed_context.returns", returns) + time)
        stacked = torch.stack(tokens, dim=2)
        return self.model.norm("norm_context", stacked).to(self.dtype)

    def _action_tokens(self) -> Tensor:
        """Action tokens (S, R, 1, W) of the previous step."""
        time = self._time((self.time - 1).clamp(min=0))
        tokens = self.model.linear("embed_context.actions", self.actions) + time
        return self.model.norm("norm_context", tokens)[:, :, None].to(self.dtype)

    def _time(self, time: Tensor) -> Tensor:
        """Embedding (S, 1, W) of a timestep; later ones than the table's use its last."""
        table = self.model.parameters["embed_context.timesteps.weight"]
        return table.index_select(1, time.clamp(max=table.shape[1] - 1)[None])


def _stack(maps: Sequence[Affine]) -> Affine:
    weights, biases = zip(*maps, strict=True)
    return Affine(torch.stack(weights), torch.stack(biases))
