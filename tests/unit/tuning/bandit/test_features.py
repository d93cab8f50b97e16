"""Features of arms for the reward models."""

import dataclasses

import pytest
import torch
from torch import Tensor

from support.bandit_problem import COUNTS, H, make_arms, make_bandit_problem
from support.tuning_problem import ACTION, STATE
from trajprompt.models.backbone import Backbone
from trajprompt.models.prompt_dt import PromptDT, additive_mask
from trajprompt.trajectories.normaliser import Normaliser
from trajprompt.trajectories.segments import Segments
from trajprompt.tuning.bandit import features as module
from trajprompt.tuning.bandit.features import (
    arm_features,
    backbone_features,
    in_simulator_units,
    raw_features,
    standardised,
)


@pytest.fixture
def backbone() -> Backbone:
    normaliser = Normaliser(torch.full((STATE,), 3.0), torch.full((STATE,), 2.0))
    return dataclasses.replace(make_bandit_problem().backbone, normaliser=normaliser)


def empty_context(rows: int, steps: int) -> Segments:
    def zeros(*shape: int) -> Tensor:
        return torch.zeros(rows, steps, *shape)

    mask = torch.ones(rows, steps, dtype=torch.bool)
    return Segments(zeros(1), zeros(STATE), zeros(ACTION), zeros().long(), mask)


@torch.no_grad()
def all_outputs(model: PromptDT, context: Segments, prompt: Segments) -> Tensor:
    """Outputs (B, 3P + 3K, W) of all tokens after all layers; checked against forward."""
    tokens, visible, first = model.embed(context, prompt)
    mask, x = additive_mask(visible, tokens.dtype), tokens
    for block in model.blocks:
        x = block(x, mask, slice(None))
    x = model.norm_final(x)
    actions = torch.tanh(model.predict_action(x[:, first + 1 :: 3]))
    torch.testing.assert_close(actions, model(context, prompt), rtol=1e-4, atol=1e-5)
    return x


@pytest.mark.parametrize("slots", (1, 2, 4))
def test_psi_is_the_last_action_token_of_the_first_of_repeated_segments(backbone, slots):
    arms, model = make_arms(11), backbone.model
    prompt = arms.map(lambda part: torch.cat([part] * slots, dim=1))  # (A, J * H, ..)
    context = empty_context(len(arms.mask), model.config.context_length)
    expected = all_outputs(model, context, prompt)[:, 3 * (H - 1) + 2]
    found = backbone_features(arms, backbone)
    assert found.shape == (11, model.config.width)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_psi_does_not_depend_on_the_batch_size(backbone, monkeypatch):
    at_once = backbone_features(make_arms(11), backbone)
    monkeypatch.setattr(module, "BATCH", 4)
    parts = backbone_features(make_arms(11), backbone)
    torch.testing.assert_close(at_once, parts)


def test_psi_distinguishes_arms(backbone):
    found = standardised(backbone_features(make_arms(11), backbone))
    assert torch.cdist(found, found)[~torch.eye(11, dtype=torch.bool)].min() > 0.1


def test_raw_features_are_all_values_of_an_arm(backbone):
    arms = make_arms(5)
    found = raw_features(arms, backbone).unflatten(1, (H, 1 + STATE + ACTION))
    assert torch.equal(found[..., :1], arms.returns_to_go)
    assert torch.equal(found[..., 1 : 1 + STATE], arms.states)
    assert torch.equal(found[..., 1 + STATE :], arms.actions)


def test_standardised_features_have_mean_0_and_deviation_1():
    values = torch.randn(50, 3) * torch.tensor([1.0, 1e-3, 0.0]) + 1000
    found = standardised(values)
    torch.testing.assert_close(found.mean(dim=0), torch.zeros(3), rtol=0, atol=1e-5)
    spread = found.std(dim=0, unbiased=False)
    torch.testing.assert_close(spread, torch.tensor([1.0, 1, 0]), rtol=0, atol=1e-2)


def test_the_variant_of_the_coauthors_code_undoes_the_normaliser(backbone):
    arms = make_arms(5)
    torch.testing.assert_close(
        backbone.normaliser.normalise(in_simulator_units(arms, backbone).states),
        arms.states,
    )
    plain = arm_features([arms], backbone, "raw", normalised=False).values[0]
    torch.testing.assert_close(plain[:, 1 : 1 + STATE], arms.states[:, 0] * 2 + 3)
    psi = arm_features([arms], backbone, "backbone", normalised=False).values[0]
    assert torch.equal(psi, backbone_features(in_simulator_units(arms, backbone), backbone))
    assert (psi - backbone_features(arms, backbone)).abs().max() > 0.1


@pytest.mark.parametrize("kind", ("raw", "backbone"))
def test_rows_are_independent_and_short_rows_are_padded(backbone, kind):
    arms = make_bandit_problem().arms
    together = arm_features(arms, backbone, kind, normalised=True)
    assert together.counts.tolist() == list(COUNTS)
    assert together.real.sum(dim=1).tolist() == list(COUNTS)
    assert not together.values[~together.real].any()
    for row, row_arms in enumerate(arms):
        single = arm_features([row_arms], backbone, kind, normalised=True).values[0]
        assert torch.equal(together.values[row, : len(single)], single)
