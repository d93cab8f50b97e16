"""Attention weights against a plain softmax over unfolded queries and keys."""

import math

import pytest
import torch

from support.model_inputs import B, K, P, make_model, make_segments
from trajprompt.models.attention import action_attention, prompt_attention
from trajprompt.models.prompt_dt import PromptDT, additive_mask

NAMES = pytest.mark.parametrize("name", ["prompt-dt", "prompt-mt-bc"])


def seen_by(model: PromptDT, context, prompt):
    """Tokens up to the newest state, and the mask of real ones."""
    tokens, visible, _ = model.embed(context, prompt)
    return tokens[:, :-1], visible[:, :-1]


@NAMES
@pytest.mark.parametrize("padded", [False, True])
@torch.no_grad()
def test_equals_a_plain_softmax(name, padded):
    model = make_model(name)
    context = make_segments(K, padded=padded)
    prompt = make_segments(P, padded=padded, seed=2).select(slice(0, 3))
    context = context.select(slice(0, 3))
    weights = action_attention(model, context, prompt)
    x, visible = seen_by(model, context, prompt)
    assert weights.shape == (len(model.blocks), 3, x.shape[1])
    for found, block in zip(weights, model.blocks, strict=True):
        inputs = block.norm_attention(x)
        query, keys = block.query(inputs[:, -1]), block.key(inputs)
        scores = torch.einsum("bw,btw->bt", query, keys) / math.sqrt(x.shape[-1])
        expected = scores.masked_fill(~visible, -torch.inf).softmax(dim=-1)
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
        x = block(x, additive_mask(visible, x.dtype), slice(None))
    assert weights.std() > 1e-3


@NAMES
@torch.no_grad()
def test_weights_reproduce_the_newest_action(name):
    """Values mixed by the last layer's weights give the model's action."""
    model = make_model(name)
    context, prompt = make_segments(K), make_segments(P, seed=2)
    weights = action_attention(model, context, prompt)[-1]
    x, visible = seen_by(model, context, prompt)
    for block in model.blocks[:-1]:
        x = block(x, additive_mask(visible, x.dtype), slice(None))
    last = model.blocks[-1]
    values = last.value(last.norm_attention(x))
    mixed = last.project(torch.einsum("bt,btw->bw", weights, values))
    out = x[:, -1] + mixed
    out = out + last.mlp(last.norm_mlp(out))
    action = torch.tanh(model.predict_action(model.norm_final(out)))
    expected = model(context, prompt)[:, -1]
    torch.testing.assert_close(action, expected, atol=1e-5, rtol=0)


@NAMES
def test_prompt_steps_get_the_sums_of_their_tokens(name):
    model = make_model(name)
    context, prompt = make_segments(K), make_segments(P, seed=2).select(slice(0, 1))
    shares = prompt_attention(model, context, prompt)  # one prompt before all contexts
    every = action_attention(model, context, prompt)
    assert shares.shape == (len(model.blocks), B, P)
    torch.testing.assert_close(shares[..., 1], every[..., 3:6].sum(dim=-1))
    torch.testing.assert_close(every.sum(dim=-1), torch.ones(len(model.blocks), B))
    assert 0 < shares.sum(dim=-1).min() < shares.sum(dim=-1).max() < 1
