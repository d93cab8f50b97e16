"""Training of a stack against single seeds and against the training of one model."""

import dataclasses
import math
from collections.abc import Iterable

import numpy as np
import pytest
import torch

from support.model_inputs import ACTIONS, STATES, K, P, make_model, make_segments
from support.stopping import Stopped, interrupt
from trajprompt.artifacts.checkpoint import Checkpoint
from trajprompt.errors import TrajpromptError
from trajprompt.models import stacked_training
from trajprompt.models.prompt_dt import (
    BackboneConfig,
    PromptDT,
    action_loss,
    backbone_inputs,
)
from trajprompt.models.stacked import StackedPromptDT, action_losses
from trajprompt.models.stacked_training import Member, train_stack
from trajprompt.models.training import train
from trajprompt.numerics.stacked_weights import StackedWeights
from trajprompt.settings.kinds import TRANSFORMERS
from trajprompt.settings.training import TrainingSettings
from trajprompt.trajectories.segments import Segments

BATCH = 5
SETTINGS = TrainingSettings(
    6, learning_rate=1e-3, warmup_steps=2, precision="fp32", validation_every=3
)


class Batches:
    """Random contexts and prompts of one seed."""

    def __init__(self, name: str, seed: int):
        self.prompts = backbone_inputs(name).prompt
        self.generator = torch.Generator().manual_seed(100 + seed)

    def segments(self, length: int, batch: int = BATCH) -> Segments:
        seed = int(torch.randint(1 << 30, (), generator=self.generator))
        return make_segments(length, batch, seed=seed)

    def __call__(self) -> tuple[Segments, Segments | None]:
        context = self.segments(K)
        context.mask[0, :3] = False
        return context, self.segments(P) if self.prompts else None


def member(seed: int, name: str = "prompt-dt", dropout: float = 0.1) -> Member:
    torch.manual_seed(seed)
    inputs = backbone_inputs(name)
    config = BackboneConfig(
        STATES, ACTIONS, *inputs, width=16, inner=32, dropout=dropout, context_length=K
    )
    batches, held_out = Batches(name, seed), Batches(name, 50 + seed)
    return Member(
        PromptDT(config), batches, batches.generator, seed, held_out(), f"seed {seed}"
    )


def trained(seeds, checkpoint=None, settings=SETTINGS, **options):
    """Weights and curve of every seed, trained together."""
    members = [member(seed, **options) for seed in seeds]
    curves = train_stack(members, BATCH, settings, "toy", "file", checkpoint)
    weights = [
        torch.cat([p.detach().flatten() for p in one.model.parameters()]) for one in members
    ]
    return dict(zip(seeds, zip(weights, curves, strict=True), strict=True))


def assert_equal(found, expected):
    assert torch.equal(found[0], expected[0])
    assert found[1] == expected[1]


def pair(segments: Iterable[Segments]) -> Segments:
    return Segments(*map(torch.stack, zip(*segments, strict=True)))


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_forward_pass_is_that_of_each_model(name):
    models = [make_model(name), make_model(name)]
    with torch.no_grad():
        for parameter in models[1].parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    context = pair(make_segments(K, padded=True, seed=seed) for seed in (1, 2))
    prompt = None
    if models[0].config.uses_prompt:
        prompt = pair(make_segments(P, seed=seed) for seed in (3, 4))
    weights = StackedWeights(models, torch.float32, 0.0)
    with torch.no_grad():
        found = StackedPromptDT(models[0].config, weights.parameters())(context, prompt)
        losses = action_losses(found, context)
        for index, model in enumerate(models):
            own = context.select(index)
            expected = model(own, None if prompt is None else prompt.select(index))
            real = own.mask
            torch.testing.assert_close(found[index][real], expected[real])
            torch.testing.assert_close(losses[index], action_loss(expected, own))


def test_bits_of_a_seed_do_not_depend_on_its_stack():
    together = trained((0, 1, 2))
    for stack in ((0,), (1,), (2,), (2, 0), (1, 2, 0)):
        for seed, found in trained(stack).items():
            assert_equal(found, together[seed])


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_a_stack_agrees_with_the_training_of_one_model(name):
    together = trained((0, 1), name=name, dropout=0.0)
    for seed, (weights, curve) in together.items():
        alone = member(seed, name, dropout=0.0)
        expected = train(alone.model, alone.make_batch, SETTINGS, "toy", lambda: 0.0)
        own = torch.cat([p.detach().flatten() for p in alone.model.parameters()])
        torch.testing.assert_close(weights, own, atol=2e-5, rtol=1e-4)
        for ours, theirs in zip(curve, expected, strict=True):
            assert (ours.step, ours.learning_rate) == (theirs.step, theirs.learning_rate)
            assert math.isclose(ours.train_loss, theirs.train_loss, rel_tol=1e-5)


def test_validation_is_the_loss_on_the_held_out_segments(monkeypatch):
    monkeypatch.setattr(stacked_training, "VALIDATION_CHUNK", 2)
    one = member(0)
    (curve,) = train_stack([one], BATCH, SETTINGS, "toy")
    with torch.no_grad():
        context, prompt = one.held_out
        expected = action_loss(one.model(context, prompt), context)
    assert math.isclose(curve[-1].validation_loss, float(expected), rel_tol=1e-5)


def test_dropout_covers_exactly_the_values_of_a_pass(monkeypatch):
    used = []
    original = stacked_training.StackedDropout.begin

    def begin(self):
        used.append((self.used, self.masks.shape[1]))
        original(self)

    monkeypatch.setattr(stacked_training.StackedDropout, "begin", begin)
    for name in TRANSFORMERS:
        trained((0,), name=name)
    taken = [(count, size) for count, size in used if count]
    assert len(taken) == 3 * (SETTINGS.steps - 1)
    assert all(count == size for count, size in taken)


def test_an_interrupted_stack_resumes_bit_for_bit(tmp_path):
    expected = trained((0, 1))
    target = tmp_path / "target"
    interrupt(Stopped(target, 4), lambda checkpoint: trained((0, 1), checkpoint))
    found = trained((0, 1), Checkpoint(target, "test"))
    for seed in expected:
        assert_equal(found[seed], expected[seed])


def test_a_loss_that_is_not_finite_names_the_seed_and_the_step():
    diverging = dataclasses.replace(SETTINGS, learning_rate=float("inf"))
    with pytest.raises(TrajpromptError, match=r"file: seed 3: found .* nan at step 1"):
        trained((3,), settings=diverging)


def test_bfloat16_tracks_float32():
    exact = trained((0, 1))
    short = trained((0, 1), settings=dataclasses.replace(SETTINGS, precision="bf16"))
    for seed in exact:
        losses = [[p.train_loss for p in runs[seed][1]] for runs in (exact, short)]
        np.testing.assert_allclose(*losses, rtol=0.1)
