"""The frozen backbone against PyTorch's graph of the model, in float64."""

import pytest
import torch
from torch import Tensor

from support.adapted_models import adapted_model
from support.tuning_problem import segments
from trajprompt.models.frozen import FrozenBackbone
from trajprompt.models.prompt_dt import PromptDT, additive_mask
from trajprompt.trajectories.segments import Segments

COUNT, P, K = 4, 5, 6


def double(steps: Segments) -> Segments:
    return steps.map(lambda x: x.double() if x.is_floating_point() else x)


def expected_actions(model: PromptDT, prompts: Segments, contexts: Segments) -> Tensor:
    """`PromptDT.forward` without its cast to float32."""
    tokens, visible, first = model.embed(contexts, prompts)
    x, mask = tokens[:, :-1], additive_mask(visible[:, :-1], tokens.dtype)
    for block, adaptor in model.layers():
        x = adaptor(block(x, mask, slice(None)))
    stride = model.tokens_per_step
    x = x[:, first + stride - 2 :: stride]
    return torch.tanh(model.predict_action(model.norm_final(x)))


@pytest.mark.parametrize("adaptor", [0, 4])
@pytest.mark.parametrize("returns", [True, False])
@pytest.mark.parametrize("layers", [2, 3])
def test_actions_and_gradients_equal_those_of_the_graph(adaptor, returns, layers):
    model = adapted_model(adaptor, uses_returns=returns, layers=layers).double()
    model.requires_grad_(False)
    prompts, contexts = segments(COUNT, length=P, seed=1), segments(COUNT, length=K, seed=2)
    prompts, contexts = double(prompts), double(contexts)
    prompts.mask[1, :2] = False
    contexts.mask[0, :3] = False
    values = [part.clone().requires_grad_() for part in prompts[:3]]
    prompts = Segments(*values, *prompts[3:])
    weigh = torch.randn(COUNT, K, 6, dtype=torch.float64) * contexts.mask.unsqueeze(-1)
    found = FrozenBackbone(model, torch.float64).actions(prompts, contexts)
    expected = expected_actions(model, prompts, contexts)
    torch.testing.assert_close(found[contexts.mask], expected[contexts.mask])
    gradients = [
        torch.autograd.grad((actions * weigh).sum(), values)
        for actions in (found, expected)
    ]
    for one, other in zip(*gradients, strict=True):
        assert other.abs().max() > 1e-3
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)


def test_embeddings_and_head_stay_in_single_precision():
    model = adapted_model(0).requires_grad_(False)
    prompts, contexts = segments(COUNT, length=P, seed=1), segments(COUNT, length=K, seed=2)
    exact = FrozenBackbone(model, torch.float32).actions(prompts, contexts)
    rough = FrozenBackbone(model, torch.bfloat16).actions(prompts, contexts)
    assert rough.dtype is torch.float32
    assert 0 < (rough - exact).abs().max() < 0.1
