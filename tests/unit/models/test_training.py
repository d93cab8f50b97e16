"""Training: learning, bfloat16 against float32, stop at NaN, exact repetition."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from support.stopping import Stopped, interrupt
from trajprompt.artifacts.checkpoint import Checkpoint
from trajprompt.errors import TrajpromptError
from trajprompt.models.prompt_dt import BackboneConfig, PromptDT
from trajprompt.models.training import learning_rate_at, train
from trajprompt.settings.training import TrainingSettings
from trajprompt.trajectories.segments import Segments

STATES, ACTIONS, K, P = 4, 2, 8, 3
MIXING = torch.linspace(-0.5, 0.5, STATES * ACTIONS).view(STATES, ACTIONS)


def make_model(dropout: float = 0.0) -> PromptDT:
    torch.manual_seed(0)
    return PromptDT(BackboneConfig(STATES, ACTIONS, width=32, inner=64, dropout=dropout))


class Imitation:
    """Batches whose correct actions are a function of the state."""

    def __init__(self) -> None:
        self.rng = torch.Generator().manual_seed(3)

    def segments(self, length: int, batch: int = 16) -> Segments:
        states = torch.randn(batch, length, STATES, generator=self.rng)
        return Segments(
            torch.zeros(batch, length, 1),
            states,
            torch.tanh(states @ MIXING),
            torch.arange(length).expand(batch, length),
            torch.ones(batch, length, dtype=torch.bool),
        )

    def __call__(self) -> tuple[Segments, Segments]:
        return self.segments(K), self.segments(P)


def losses(precision: str, steps: int = 100, dropout: float = 0.1) -> list[float]:
    settings = TrainingSettings(
        steps, learning_rate=3e-3, precision=precision, validation_every=10
    )
    curve = train(make_model(dropout), Imitation(), settings, "toy")
    return [point.train_loss for point in curve]


def test_learns_and_bfloat16_tracks_float32():
    exact, short = losses("fp32"), losses("bf16")
    assert exact[-1] < 0.4 * exact[0]
    np.testing.assert_allclose(short, exact, rtol=0.2, atol=0.01)


def test_equal_seeds_give_equal_bits():
    assert losses("fp32", 20) == losses("fp32", 20)
    assert losses("bf16", 20) == losses("bf16", 20)


def test_float32_step_is_torch_adamw_with_clipping():
    ours, theirs = make_model(), make_model()
    batch = Imitation()()
    settings = TrainingSettings(1, learning_rate=1e-2, weight_decay=0.1, precision="fp32")
    train(ours, lambda: batch, settings, "toy")
    trained = [p for p in theirs.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=1e-2, weight_decay=0.1)
    F.mse_loss(theirs.eval()(*batch), batch[0].actions).backward()
    torch.nn.utils.clip_grad_norm_(trained, 0.25)
    optimiser.step()
    for name, parameter in theirs.named_parameters():
        torch.testing.assert_close(
            ours.get_parameter(name), parameter, atol=1e-6, rtol=1e-5, msg=name
        )


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_nan_stops_training_with_step_and_file(precision):
    batches, made = Imitation(), []

    def make_batch():
        made.append(batches())
        if len(made) == 4:
            made[-1][0].states[2, 1, 0] = math.nan
        return made[-1]

    model = make_model()
    with pytest.raises(TrajpromptError, match=r"data\.h5.*toy.*nan at step 3"):
        settings = TrainingSettings(10, precision=precision)
        train(model, make_batch, settings, "toy", source="data.h5")
    assert len(made) == 4
    assert all(torch.isfinite(p).all() for p in model.parameters())


def test_schedules():
    constant = TrainingSettings(100, learning_rate=1.0, warmup_steps=10)
    assert learning_rate_at(0, constant) == pytest.approx(0.1)
    assert learning_rate_at(9, constant) == learning_rate_at(99, constant) == 1.0
    cosine = TrainingSettings(100, learning_rate=1.0, warmup_steps=10, schedule="cosine")
    rates = [learning_rate_at(step, cosine) for step in range(10, 100)]
    assert rates[0] == 1.0 and rates[-1] < 0.06
    assert rates == sorted(rates, reverse=True)


def trained(checkpoint: Checkpoint, precision: str = "bf16", steps: int = 12):
    """The weights and curve of a toy training with dropout, warm-up and validation."""
    model, batches = make_model(dropout=0.1), Imitation()
    settings = TrainingSettings(
        steps, warmup_steps=3, precision=precision, validation_every=5
    )
    curve = train(
        model,
        batches,
        settings,
        "toy",
        generator=batches.rng,
        validate=lambda: 0.5,
        checkpoint=checkpoint,
    )
    return {k: v.clone() for k, v in model.state_dict().items()}, curve


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
@pytest.mark.parametrize("at", [0, 4, 7, 11])
def test_training_resumes_to_the_same_bits(tmp_path, precision, at):
    weights, curve = trained(Checkpoint(), precision)
    target = tmp_path / "seed0.safetensors"
    interrupt(Stopped(target, at), lambda c: trained(c, precision))
    found, found_curve = trained(Checkpoint(target, "test"), precision)
    assert found_curve == curve
    for name, expected in weights.items():
        assert torch.equal(found[name], expected), name


def test_training_that_resumes_twice(tmp_path):
    weights, _ = trained(Checkpoint())
    target = tmp_path / "seed0.safetensors"
    for at in (2, 8):
        interrupt(Stopped(target, at), trained)
    found, _ = trained(Checkpoint(target, "test"))
    assert all(torch.equal(found[name], expected) for name, expected in weights.items())
