"""Attention of prompts and contexts in a frozen block, forward and backward.

A context attends to its prompt and to itself, a prompt only to itself. The folded attention
(blocks.py) has one tensor of normalised inputs as keys and as values.
"""

from typing import NamedTuple

import torch
from torch import Tensor


class Layout(NamedTuple):
    """Order of tokens in a matrix (N, W): R prompts, then their R * b contexts."""

    rows: int  # R
    size: int  # Tp: tokens of a prompt
    contexts: int  # R * b
    length: int  # T: tokens of a context
    states: slice  # state tokens of a context

    @property
    def prompt_tokens(self) -> int:
        """Number of rows of all prompts, R * Tp."""
        return self.rows * self.size

    def split(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return views (R, Tp, W) and (R * b, T, W) of tokens (N, W)."""
        first, width = self.prompt_tokens, x.shape[1]
        prompts = x[:first].view(self.rows, self.size, width)
        return prompts, x[first:].view(self.contexts, self.length, width)

    def at_states(self, x: Tensor) -> Tensor:
        """Return a view (R * b, K, W) of tokens (N, W)."""
        return self.split(x)[1][:, self.states]

    def of_states(self) -> "Layout":
        """Return the layout of the state tokens alone."""
        steps = len(range(*self.states.indices(self.length)))
        return self._replace(size=0, length=steps)


class Masks(NamedTuple):
    """Additive masks of the attention scores."""

    prompts: Tensor  # (R, Tp, Tp)
    seen: Tensor  # (R, 1, Tp), of prompt tokens for contexts
    contexts: Tensor  # (R * b, T, T)

    def of_states(self, states: slice) -> "Masks":
        """Return the masks of the state tokens' queries alone, without prompt tokens."""
        return Masks(self.prompts[:, :0], self.seen, self.contexts[:, states])


class Attention(NamedTuple):
    """Attention weights, and the tensors from which they were computed."""

    query: Tensor  # (N', W)
    keys: Tensor  # (N, W)
    queries: Layout  # of the N' query tokens
    layout: Layout  # of the N tokens
    prompts: Tensor  # (R, Tp', Tp) weights of the prompts
    contexts: Tensor  # (R * b, Q, Tp + T) weights of the contexts

    @classmethod
    def of(
        cls, query: Tensor, keys: Tensor, queries: Layout, layout: Layout, masks: Masks
    ) -> "Attention":
        """Attend with query (N', W) to keys (N, W)."""
        asking, asking_contexts = queries.split(query)
        prompt, context = layout.split(keys)
        scores = torch.baddbmm(masks.prompts, asking, prompt.transpose(1, 2))
        by_prompt = asking_contexts.view(layout.rows, -1, query.shape[1])  # (R, b Q, W)
        on_prompt = torch.baddbmm(masks.seen, by_prompt, prompt.transpose(1, 2))
        on_prompt = on_prompt.view(layout.contexts, queries.length, layout.size)
        on_context = torch.baddbmm(
            masks.contexts, asking_contexts, context.transpose(1, 2)
        )
        joined = torch.cat([on_prompt, on_context], dim=-1)
        weights = torch.softmax(scores, dim=-1), torch.softmax(joined, dim=-1)
        return cls(query, keys, queries, layout, *weights)

    def mixed(self) -> Tensor:
        """Return the mean keys (N', W) of every query."""
        found = torch.empty_like(self.query)
        prompt, context = self.layout.split(self.keys)
        for_prompts, for_contexts = self.queries.split(found)
        to_prompt, to_context = self._parts(self.contexts)
        torch.bmm(self.prompts, prompt, out=for_prompts)
        by_prompt = for_contexts.view(self.layout.rows, -1, found.shape[1])
        torch.bmm(to_prompt, prompt, out=by_prompt)
        for_contexts.baddbmm_(to_context, context)
        return found

    def backward(self, gradient: Tensor, to_contexts: bool) -> tuple[Tensor, Tensor]:
        """Return the gradients of query (N', W) and keys (N, W), given that of the mixture.

        Without ``to_contexts``, only the rows of prompts are computed.
        """
        to_query, to_keys = torch.empty_like(self.query), torch.empty_like(self.keys)
        prompt, context = self.layout.split(self.keys)
        to_prompt, to_context = self.layout.split(to_keys)
        asking, asking_contexts = self.queries.split(self.query)
        to_asking, to_asking_contexts = self.queries.split(to_query)
        to_mixed, to_mixed_contexts = self.queries.split(gradient)
        by_prompt, asking_by_prompt, to_asking_by_prompt = (
            part.view(self.layout.rows, -1, gradient.shape[1])
            for part in (to_mixed_contexts, asking_contexts, to_asking_contexts)
        )
        scores = _softmax_backward(to_mixed @ prompt.transpose(1, 2), self.prompts)
        torch.bmm(self.prompts.transpose(1, 2), to_mixed, out=to_prompt)
        to_prompt.baddbmm_(scores.transpose(1, 2), asking)
        torch.bmm(scores, prompt, out=to_asking)
        on_prompt = torch.bmm(by_prompt, prompt.transpose(1, 2))
        on_prompt = on_prompt.view(self.layout.contexts, -1, self.layout.size)
        on_context = torch.bmm(to_mixed_contexts, context.transpose(1, 2))
        joined = torch.cat([on_prompt, on_context], dim=-1)
        scores = _softmax_backward(joined, self.contexts)
        weight_on_prompt, weight_on_context = self._parts(self.contexts)
        score_on_prompt, score_on_context = self._parts(scores)
        to_prompt.baddbmm_(weight_on_prompt.transpose(1, 2), by_prompt)
        to_prompt.baddbmm_(score_on_prompt.transpose(1, 2), asking_by_prompt)
        if to_contexts:
            torch.bmm(weight_on_context.transpose(1, 2), to_mixed_contexts, out=to_context)
            to_context.baddbmm_(score_on_context.transpose(1, 2), asking_contexts)
            torch.bmm(score_on_prompt, prompt, out=to_asking_by_prompt)
            to_asking_contexts.baddbmm_(score_on_context, context)
        return to_query, to_keys

    def _parts(self, joined: Tensor) -> tuple[Tensor, Tensor]:
        """Split (R * b, Q, Tp + T) into (R, b * Q, Tp) and (R * b, Q, T)."""
        size = self.layout.size
        on_prompt, on_context = joined.split([size, self.layout.length], dim=-1)
        return on_prompt.unflatten(0, (self.layout.rows, -1)).flatten(1, 2), on_context


def _softmax_backward(gradient: Tensor, weights: Tensor) -> Tensor:
    """Return the gradient of the scores, given that of their softmax."""
    function = torch.ops.aten._softmax_backward_data
    found: Tensor = function(gradient, weights, -1, weights.dtype)
    return found
