"""Gradient training of a prompt decision transformer, for pretraining and fine-tuning."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch

from trajprompt.errors import TrajpromptError
from trajprompt.models.master_weights import MasterWeights
from trajprompt.models.memory import keep_freed_memory
from trajprompt.models.precision import resolve_precision
from trajprompt.models.prompt_dt import PromptDT, action_loss
from trajprompt.progress import progress
from trajprompt.trajectories.segments import Segments

Batch = tuple[Segments, Segments | None]  # contexts (B, K, ..), prompts (B or 1, P, ..)
SCHEDULES = ("constant", "cosine")
FINAL_SHARE = 0.05  # of the learning rate is left at the end of the cosine


@dataclass(frozen=True)
class TrainingSettings:
    """Defaults of mxu34/prompt-dt pdt_main.py where a default is given."""

    steps: int
    learning_rate: float = 1e-4
    weight_decay: float = 1e-4  # on every weight, layer norms and embeddings included
    warmup_steps: int = 0  # linear; the reference's 50,000 steps begin with 10,000
    schedule: str = "constant"  # after the warm-up
    gradient_clip: float = 0.25
    precision: str = "auto"
    validation_every: int = 0  # 0: only at the end, if there is a validation
    seed: int = 0  # of the dropout masks


@dataclass(frozen=True)
class CurvePoint:
    step: int
    train_loss: float  # mean since the point before
    validation_loss: float  # NaN without a validation
    learning_rate: float


def learning_rate_at(step: int, settings: TrainingSettings) -> float:
    """The rate of the ``step``-th update, counted from 0."""
    if settings.schedule not in SCHEDULES:
        expected = "one of " + ", ".join(SCHEDULES)
        raise TrajpromptError("schedule", repr(settings.schedule), expected)
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
) -> list[CurvePoint]:
    """Train ``model`` in place; on return its weights are float32 and it is in eval mode.

    ``label`` names the run in the progress bar and, with the file ``source`` of its data,
    in errors. ``validate`` is called in eval mode without gradients.

    Raises TrajpromptError at the first step whose loss or gradient is not finite; the
    model then keeps the weights it had before that step.
    """
    keep_freed_memory()
    device = model.predict_action.weight.device
    dtype = resolve_precision(settings.precision, device)
    weights = MasterWeights(model, dtype, settings.learning_rate, settings.weight_decay)
    _seed_dropout(model, settings.seed)
    try:
        where = f"{source}: {label}" if source else label
        bar = progress(range(settings.steps), label)
        return _run(model, weights, make_batch, settings, bar, where, validate)
    finally:
        weights.release()
        model.eval()


def _run(
    model: PromptDT,
    weights: MasterWeights,
    make_batch: Callable[[], Batch],
    settings: TrainingSettings,
    bar: Iterable[int],
    where: str,
    validate: Callable[[], float] | None,
) -> list[CurvePoint]:
    curve: list[CurvePoint] = []
    losses: list[float] = []
    model.train()
    for step in bar:
        rate = learning_rate_at(step, settings)
        losses.append(_update(model, weights, make_batch(), rate, settings, where, step))
        if not _due(step + 1, settings):
            continue
        point = CurvePoint(
            step + 1, sum(losses) / len(losses), _validation(model, validate), rate
        )
        curve.append(point)
        losses.clear()
        if hasattr(bar, "set_postfix_str"):
            bar.set_postfix_str(f"loss {point.train_loss:.4f}/{point.validation_loss:.4f}")
    return curve


def _update(
    model: PromptDT,
    weights: MasterWeights,
    batch: Batch,
    rate: float,
    settings: TrainingSettings,
    where: str,
    step: int,
) -> float:
    context, prompt = batch
    loss = action_loss(model(context, prompt), context)
    loss.backward()
    value = loss.item()
    _require_finite(value, "loss", where, step)
    norm = weights.gradient_norm()
    _require_finite(norm.item(), "gradient norm", where, step)
    weights.step(rate, settings.gradient_clip, norm)
    return value


def _require_finite(value: float, name: str, where: str, step: int) -> None:
    if not math.isfinite(value):
        raise TrajpromptError(
            where,
            f"{name} {value} at step {step}",
            "finite numbers",
            "lower the learning rate or look for bad values with `trajprompt inspect`",
        )


def _due(done: int, settings: TrainingSettings) -> bool:
    every = settings.validation_every
    return done == settings.steps or (every > 0 and done % every == 0)


@torch.no_grad()
def _validation(model: PromptDT, validate: Callable[[], float] | None) -> float:
    if validate is None:
        return math.nan
    model.eval()
    value = validate()
    model.train()
    return value


def _seed_dropout(model: PromptDT, seed: int) -> None:
    model.dropout.reseed(seed)
    if model.predict_action.weight.is_cuda:
        torch.cuda.manual_seed(seed)
