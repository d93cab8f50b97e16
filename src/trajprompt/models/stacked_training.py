"""Gradient training of S models of one architecture at once, one model per seed.

Every seed has its own batches, dropout masks, gradient norm, optimiser state, validation
and curve. The arithmetic of a step is that of `training.train`.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from trajprompt.artifacts.checkpoint import Checkpoint
from trajprompt.errors import TrajpromptError
from trajprompt.models.prompt_dt import PromptDT
from trajprompt.models.stacked import StackedPromptDT, action_losses, dropped_elements
from trajprompt.models.training import Batch, CurvePoint, learning_rate_at
from trajprompt.numerics.cuda_graph import Replay
from trajprompt.numerics.device import keep_freed_memory, resolve_precision
from trajprompt.numerics.stacked_dropout import StackedDropout
from trajprompt.numerics.stacked_weights import StackedWeights
from trajprompt.settings.training import TrainingSettings
from trajprompt.trajectories.segments import Segments

# Steps between readings of losses and gradient norms, for which the CPU waits for the GPU.
READ_EVERY = 100
VALIDATION_CHUNK = 128  # segments per seed and pass


@dataclass(frozen=True)
class Member:
    """One seed of a stack."""

    model: PromptDT
    make_batch: Callable[[], Batch]  # (batch, K, ..) each
    generator: torch.Generator  # from which make_batch draws
    dropout_seed: int
    held_out: Batch  # validation set
    label: str  # for errors


def train_stack(
    members: Sequence[Member],
    batch: int,
    settings: TrainingSettings,
    label: str,
    source: str = "",
    checkpoint: Checkpoint | None = None,
    graphs: bool = True,
) -> list[list[CurvePoint]]:
    """Train the members' models in place; return their curves.

    ``batch`` is the number of sequences per seed and step; ``graphs`` allows CUDA graphs.
    The models are float32 and in eval mode on return. Raises TrajpromptError if a loss or
    gradient was not finite, up to READ_EVERY steps later; the weights are then useless.
    """
    keep_freed_memory()
    training = _StackTraining(members, batch, settings, source, graphs)
    curves = training.run(checkpoint or Checkpoint(), label)
    training.weights.release()
    for member in members:
        member.model.eval()
    return curves


class _StackTraining:
    """A training in progress (a `checkpoint.Resumable`)."""

    def __init__(
        self,
        members: Sequence[Member],
        batch: int,
        settings: TrainingSettings,
        source: str,
        graphs: bool,
    ):
        self.members, self.settings, self.source = members, settings, source
        models = [member.model for member in members]
        device = models[0].predict_action.weight.device
        dtype = resolve_precision(settings.precision, device)
        self.config = config = models[0].config
        self.weights = StackedWeights(models, dtype, settings.weight_decay)
        self.held_out = context, prompt = _stack([member.held_out for member in members])
        # Static buffers of the step: its batch, losses (S,) and gradient norms (S,).
        self.batch: Batch = (
            _buffer(context, batch),
            None if prompt is None else _buffer(prompt, batch),
        )
        self.measured = torch.zeros(2, len(members), device=device)
        seeds = [member.dropout_seed for member in members]
        dropped = dropped_elements(config, batch, 0 if prompt is None else prompt.length)
        self.dropout = StackedDropout(config.dropout, seeds, dropped, self.weights.working)
        self.step = Replay(self._step, device, graphs)
        self.curves: list[list[CurvePoint]] = [[] for _ in members]
        self.losses: list[list[float]] = [[] for _ in members]  # since the last point
        self.unread: list[Tensor] = []  # (2, S) of every step that was not read yet

    def run(self, checkpoint: Checkpoint, label: str) -> list[list[CurvePoint]]:
        for step in checkpoint.steps(self.settings.steps, self, label):
            rate = learning_rate_at(step, self.settings)
            self._update(rate)
            due = self._due(step + 1)
            if due or len(self.unread) == READ_EVERY:
                self._read(step)
            if due:
                self._extend_curves(step + 1, rate)
                last = [curve[-1].validation_loss for curve in self.curves]
                checkpoint.show("loss " + ", ".join(f"{loss:.4f}" for loss in last))
        return self.curves

    def state(self) -> dict[str, Any]:
        return {
            "weights": self.weights.state(),
            "dropout": self.dropout.state(),
            "batches": torch.stack([m.generator.get_state() for m in self.members]),
            "curves": [[dataclasses.astuple(point) for point in c] for c in self.curves],
            "losses": self.losses,
            "unread": torch.stack(self.unread) if self.unread else self.measured[:0],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self.weights.restore(state["weights"])
        self.dropout.restore(state["dropout"])
        for member, saved in zip(self.members, state["batches"], strict=True):
            member.generator.set_state(torch.from_numpy(saved))
        self.curves = [[CurvePoint(*point) for point in c] for c in state["curves"]]
        self.losses = [list(losses) for losses in state["losses"]]
        self.unread = list(torch.from_numpy(state["unread"]).to(self.measured.device))

    def _update(self, rate: float) -> None:
        drawn = _stack([member.make_batch() for member in self.members])
        for buffers, parts in zip(self.batch, drawn, strict=True):
            for buffer, part in zip(buffers or (), parts or (), strict=True):
                buffer.copy_(part)
        self.dropout.draw()
        self.weights.learning_rate.fill_(rate)
        self.step()
        self.unread.append(self.measured.clone())

    def _step(self) -> None:
        """Losses, gradients and update for the batch and masks in the static buffers."""
        context, prompt = self.batch
        self.dropout.begin()
        model = StackedPromptDT(self.config, self.weights.parameters())
        losses = action_losses(model(context, prompt, self.dropout), context)
        (gradient,) = torch.autograd.grad(losses.sum(), self.weights.working)
        norms = self.weights.step(gradient, self.settings.gradient_clip)
        torch.stack([losses.detach(), norms], out=self.measured)

    def _read(self, step: int) -> None:
        """Wait for the steps up to ``step`` and keep their losses; raise if not finite."""
        read = torch.stack(self.unread).cpu()  # (n, 2, S)
        bad = (~read.isfinite()).nonzero()
        if len(bad):
            index, kind, seed = bad[0].tolist()
            name = ("loss", "gradient norm")[kind]
            where = f"{self.source}: {self.members[seed].label}"
            found = f"{name} {float(read[index, kind, seed])}"
            raise TrajpromptError(
                where,
                f"found {found} at step {step + 1 - len(read) + index}",
                "a finite value",
                "lower the learning rate, or check the data with `trajprompt inspect`",
            )
        for losses, values in zip(self.losses, read[:, 0].T.tolist(), strict=True):
            losses += values
        self.unread.clear()

    def _due(self, done: int) -> bool:
        every = self.settings.validation_every
        return done == self.settings.steps or (every > 0 and done % every == 0)

    def _extend_curves(self, done: int, rate: float) -> None:
        held_out = self._validation()
        for curve, losses, found in zip(self.curves, self.losses, held_out, strict=True):
            curve.append(CurvePoint(done, sum(losses) / len(losses), found, rate))
            losses.clear()

    @torch.no_grad()
    def _validation(self) -> list[float]:
        """Action loss of each model on its held-out segments."""
        context, prompt = self.held_out
        model = StackedPromptDT(self.config, self.weights.parameters())
        total = torch.zeros(len(self.members), device=self.measured.device)
        for first in range(0, context.leading[1], VALIDATION_CHUNK):
            rows = slice(None), slice(first, first + VALIDATION_CHUNK)
            part = context.select(rows)
            predicted = model(part, prompt.select(rows) if prompt is not None else None)
            total += action_losses(predicted, part) * part.mask.sum(dim=(1, 2))
        return (total / context.mask.sum(dim=(1, 2))).tolist()


def _stack(batches: Sequence[Batch]) -> Batch:
    """Batches of all members as one, (S, B, ..)."""
    contexts, prompts = zip(*batches, strict=True)
    stacked = Segments(*map(torch.stack, zip(*contexts, strict=True)))
    given = [prompt for prompt in prompts if prompt is not None]
    if not given:
        return stacked, None
    return stacked, Segments(*map(torch.stack, zip(*given, strict=True)))


def _buffer(like: Segments, batch: int) -> Segments:
    """Buffer (S, batch, ..) for segments (S, B, ..)."""
    return like.map(lambda part: part.new_empty(len(part), batch, *part.shape[2:]))
