"""Gradient training of a prompt decision transformer, for pretraining and fine-tuning."""

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from trajprompt.artifacts.checkpoint import Checkpoint
from trajprompt.errors import TrajpromptError
from trajprompt.models.prompt_dt import PromptDT, action_loss
from trajprompt.numerics.device import keep_freed_memory, resolve_precision
from trajprompt.numerics.master_weights import MasterWeights
from trajprompt.settings.training import TrainingSettings
from trajprompt.trajectories.segments import Segments

Batch = tuple[Segments, Segments | None]  # contexts (B, K, ..), prompts (B or 1, P, ..)
FINAL_SHARE = 0.05  # of the peak learning rate, at the end of the cosine


@dataclass(frozen=True)
class CurvePoint:
    """One point of a learning curve."""

    step: int
    train_loss: float  # mean since the previous point
    validation_loss: float  # NaN without a validation
    learning_rate: float


def learning_rate_at(step: int, settings: TrainingSettings) -> float:
    """Learning rate of update ``step``, counted from 0."""
    if step < settings.warmup_steps:
        return settings.learning_rate * (step + 1) / settings.warmup_steps
    if settings.schedule == "constant":
        return settings.learning_rate
    after = max(1, settings.steps - settings.warmup_steps)
    share = 0.5 * (1.0 + math.cos(math.pi * (step - settings.warmup_steps) / after))
    return settings.learning_rate * (FINAL_SHARE + (1.0 - FINAL_SHARE) * share)


def train(
    model: PromptDT,
    make_batch: Callable[[], Batch],
    settings: TrainingSettings,
    label: str,
    validate: Callable[[], float] | None = None,
    source: str = "",
    generator: torch.Generator | None = None,
    checkpoint: Checkpoint | None = None,
) -> list[CurvePoint]:
    """Train ``model`` in place; on return its weights are float32 and it is in eval mode.

    Dropout continues its present random stream, so the caller must reseed it.

    ``label`` names the run in the progress bar and, with the file ``source`` of its data,
    in errors. ``validate`` is called in eval mode without gradients. ``make_batch`` draws
    from ``generator``, which is restored if training resumes from ``checkpoint``.

    Raises TrajpromptError at the first step whose loss or gradient is not finite; the
    model then keeps the weights it had before that step.
    """
    keep_freed_memory()
    training = _Training(model, make_batch, settings, validate, generator)
    where = f"{source}: {label}" if source else label
    try:
        return training.run(checkpoint or Checkpoint(), label, where)
    finally:
        training.weights.release()
        model.eval()


class _Training:
    """A training in progress: weights, optimiser, random streams and curve."""

    def __init__(
        self,
        model: PromptDT,
        make_batch: Callable[[], Batch],
        settings: TrainingSettings,
        validate: Callable[[], float] | None,
        generator: torch.Generator | None,
    ):
        self.model, self.make_batch, self.settings = model, make_batch, settings
        self.validate, self.generator = validate, generator
        dtype = resolve_precision(settings.precision, model.predict_action.weight.device)
        self.weights = MasterWeights(
            model, dtype, settings.learning_rate, settings.weight_decay
        )
        self.curve: list[CurvePoint] = []
        self.losses: list[float] = []  # since the last point of the curve

    def run(self, checkpoint: Checkpoint, label: str, where: str) -> list[CurvePoint]:
        self.model.train()
        for step in checkpoint.steps(self.settings.steps, self, label):
            rate = learning_rate_at(step, self.settings)
            self.losses.append(self._update(rate, where, step))
            if not self._due(step + 1):
                continue
            mean = sum(self.losses) / len(self.losses)
            self.curve.append(CurvePoint(step + 1, mean, self._validation(), rate))
            self.losses.clear()
            checkpoint.show(f"loss {mean:.4f}/{self.curve[-1].validation_loss:.4f}")
        return self.curve

    def state(self) -> dict[str, Any]:
        generator = (
            {} if self.generator is None else {"batches": self.generator.get_state()}
        )
        return {
            "weights": self.weights.state(),
            "dropout": self.model.dropout.state(),
            "curve": [dataclasses.astuple(point) for point in self.curve],
            "losses": self.losses,
            **generator,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self.weights.restore(state["weights"])
        self.model.dropout.restore(state["dropout"])
        self.curve = [CurvePoint(*point) for point in state["curve"]]
        self.losses = list(state["losses"])
        if self.generator is not None:
            self.generator.set_state(torch.from_numpy(state["batches"]))

    def _update(self, rate: float, where: str, step: int) -> float:
        context, prompt = self.make_batch()
        loss = action_loss(self.model(context, prompt), context)
        loss.backward()
        value = loss.item()
        _require_finite(value, "loss", where, step)
        norm = self.weights.gradient_norm()
        _require_finite(norm.item(), "gradient norm", where, step)
        self.weights.step(rate, self.settings.gradient_clip, norm)
        return value

    def _due(self, done: int) -> bool:
        every = self.settings.validation_every
        return done == self.settings.steps or (every > 0 and done % every == 0)

    @torch.no_grad()
    def _validation(self) -> float:
        if self.validate is None:
            return math.nan
        self.model.eval()
        value = self.validate()
        self.model.train()
        return value


def _require_finite(value: float, name: str, where: str, step: int) -> None:
    if not math.isfinite(value):
        raise TrajpromptError(
            where,
            f"found {name} {value} at step {step}",
            "a finite value",
            "lower the learning rate, or check the data with `trajprompt inspect`",
        )
