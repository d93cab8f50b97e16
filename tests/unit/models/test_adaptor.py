"""Adaptors: their size, and their results in every way to run the model."""

import dataclasses

import pytest
import torch
from torch.nn import functional as F

from support.adapted_models import adapted_model
from support.tuning_problem import segments
from trajprompt.errors import TrajpromptError
from trajprompt.models.adaptor import Adaptor
from trajprompt.models.backbone import Backbone, load_backbone, save_backbone
from trajprompt.models.prompt_dt import BackboneConfig, PromptDT


def test_size_is_the_papers():
    """Prompt Diffuser, Table 1: 13.49K for three layers of width 128 and 16 units."""
    with_adaptors, without = (
        sum(p.numel() for p in PromptDT(BackboneConfig(20, 6, adaptor=width)).parameters())
        for width in (16, 0)
    )
    assert with_adaptors - without == 13_488


@torch.no_grad()
def test_new_adaptors_change_no_bit(problem):
    plain = problem.backbone.model
    config = dataclasses.replace(problem.backbone.config, adaptor=4)
    model = PromptDT(config).eval()
    model.load_state_dict({**model.state_dict(), **plain.state_dict()})
    contexts, prompts = problem.samples.segments.select(0), segments(1, length=2, seed=3)
    assert torch.equal(model(contexts, prompts), plain(contexts, prompts))


@torch.no_grad()
def test_an_adaptor_is_film_of_a_bottleneck():
    adaptor = Adaptor(8, 3)
    for parameter in adaptor.parameters():
        parameter.normal_()
    x = torch.randn(5, 8)
    hidden = F.gelu(x @ adaptor.down.weight.T + adaptor.down.bias)
    up = hidden @ adaptor.up.weight.T + adaptor.up.bias
    expected = x + adaptor.scale * up + adaptor.shift
    torch.testing.assert_close(adaptor(x), expected)
    weight, bias = adaptor.folded_up()
    torch.testing.assert_close(x + hidden @ weight.T + bias, expected)


def test_every_parameter_of_an_adaptor_learns():
    """The up-projection starts at zero, so the down-projection learns one step later."""
    adaptor = Adaptor(8, 3)
    optimiser = torch.optim.SGD(adaptor.parameters(), lr=0.1)
    before = {name: p.detach().clone() for name, p in adaptor.named_parameters()}
    x, target = torch.randn(64, 8), torch.randn(64, 8)
    for _ in range(3):
        optimiser.zero_grad()
        (adaptor(x) - target).square().mean().backward()
        optimiser.step()
    for name, parameter in adaptor.named_parameters():
        assert (parameter != before[name]).all(), name


def test_adaptors_alone_leave_the_other_weights_unchanged(problem):
    weights = adapted_model(layers=2).state_dict()
    adaptors = {k: v for k, v in weights.items() if k.startswith("adaptors.")}
    made = problem.backbone.with_weights(adaptors)
    assert made.config.adaptor == 4 and made.model.adaptors[0].down.out_features == 4
    expected = {**problem.backbone.model.state_dict(), **adaptors}
    for name, tensor in made.model.state_dict().items():
        assert torch.equal(tensor, expected[name]), name
    again = made.with_weights(problem.backbone.model.state_dict())
    assert again.config == problem.backbone.config


@pytest.mark.parametrize("name", ["adaptors.1.up.bias", "adaptors.0.scale"])
def test_incomplete_adaptors_are_rejected(problem, name):
    weights = adapted_model(layers=2).state_dict()
    adaptors = {k: v for k, v in weights.items() if k.startswith("adaptors.")}
    for wrong in ({**adaptors, name: torch.zeros(3)}, {**adaptors, "more": adaptors[name]}):
        with pytest.raises(TrajpromptError, match="tuned weights"):
            problem.backbone.with_weights(wrong)
    adaptors.pop(name)
    with pytest.raises(TrajpromptError, match=f"tuned weights.*{name}"):
        problem.backbone.with_weights(adaptors)


def test_a_backbone_with_adaptors_is_stored_with_them(tmp_path, problem):
    model = adapted_model()
    made = Backbone(
        "prompt-dt", "cheetah-vel", model, problem.backbone.normaliser, 500.0, model.config
    )
    save_backbone(tmp_path / "b.safetensors", made, {})
    read = load_backbone(tmp_path / "b.safetensors")
    assert read.config == model.config
    for name, tensor in read.model.state_dict().items():
        assert torch.equal(tensor, model.state_dict()[name])
