"""Fine-tuning of weights with one copy of the model per row, shared by several methods."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from trajprompt.adaptations.adaptation import (
    Adaptation,
    HistoryRow,
    restored_history,
    saved_history,
)
from trajprompt.models.prompt_dt import PromptDT
from trajprompt.models.training import CurvePoint, train
from trajprompt.seeds import integers, torch_generator
from trajprompt.settings.options import (
    Count,
    NonNegative,
    OptionError,
    Positive,
    Rate,
    Size,
    Strict,
)
from trajprompt.settings.training import TrainingSettings
from trajprompt.tuning.protocol import TuningProblem


@dataclass(frozen=True)
class FinetuneOptions(Strict):
    learning_rate: Rate = 1e-4  # Table 6; mxu34/prompt-dt pdt_main.py
    weight_decay: NonNegative = 1e-4  # Table 6, "learning rate decay weight"
    gradient_clip: Positive = 0.25  # as in pretraining (prompt_seq_trainer.py)
    iterations: Count = 20  # Table 6, fine-tuning max iterations
    steps_per_iteration: Count = 8  # Table 6, steps per iteration (offline)
    batch: Size = 32  # Table 6, fine-tuning batch size for each task
    # Iterations whose weights are stored, for PTDT Figure 4; each has the size of the last.
    snapshots: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        inner = {n for n in self.snapshots if 0 < n < self.iterations}
        if len(inner) < len(self.snapshots):
            expected = f"distinct iterations from 1 to {self.iterations - 1}"
            raise OptionError("snapshots", str(self.snapshots), expected)


@dataclass(frozen=True)
class TunedPart:
    """The part of a model that is tuned."""

    # A new copy for a row; its parameters that require gradients are tuned.
    start: Callable[[int], PromptDT]
    kept: Callable[[PromptDT], dict[str, Tensor]]  # weights that the tuned backbone needs


def finetune(
    problem: TuningProblem, options: FinetuneOptions, tuned: TunedPart, name: str
) -> Adaptation:
    """Tune a copy per row on the row's samples (Eq. 5), conditioned on the row's prompt.

    Each row starts from the backbone with a new optimiser (the reference shares Adam's
    state between tasks). Contexts have K steps, as in pretraining (the reference: the last
    K* steps of an episode). Nothing is selected: ``best`` is ``last``.
    """
    rows = _Rows(problem, options, tuned, name)
    for row in problem.checkpoint.steps(len(problem.rows), rows, name):
        rows.add(row)
    prompts = problem.initial_prompts
    iterations = np.full(len(problem.rows), options.iterations, np.int64)
    return Adaptation(
        last=prompts,
        best=prompts,
        best_iteration=iterations,
        history=rows.history,
        weights=rows.weights,
        snapshots=rows.snapshots,
        parameters=max(_tuned(tuned.start(row)) for row in range(len(problem.rows))),
    )


def _tuned(model: PromptDT) -> int:
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


class _Rows:
    """The finished rows (a `checkpoint.Resumable`); a single row takes seconds."""

    def __init__(
        self, problem: TuningProblem, options: FinetuneOptions, tuned: TunedPart, name: str
    ):
        self.problem, self.options, self.tuned, self.name = problem, options, tuned, name
        self.weights: dict[int, dict[str, Tensor]] = {}
        self.snapshots: dict[int, dict[int, dict[str, Tensor]]] = {}
        self.history: list[HistoryRow] = []
        for iteration in options.snapshots:
            self.snapshots[iteration] = {}

    def add(self, row: int) -> None:
        model = self.tuned.start(row)
        iterations = iter(range(1, self.options.iterations + 1))

        def keep() -> float:  # called after every iteration; there is no validation loss
            iteration = next(iterations)
            if iteration in self.snapshots:
                self.snapshots[iteration][row] = _copy(self.tuned.kept(model))
            return math.nan

        curve = _train(self.problem, self.options, model, row, self.name, keep)
        self.weights[row] = self.tuned.kept(model)
        self.history += _history(self.problem, self.options, row, curve)

    def state(self) -> dict[str, Any]:
        return {
            "weights": _with_text_keys(self.weights),
            "snapshots": {
                str(n): _with_text_keys(rows) for n, rows in self.snapshots.items()
            },
            "history": saved_history(self.history),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self.weights = _with_int_keys(state["weights"])
        for iteration in self.snapshots:
            self.snapshots[iteration] = _with_int_keys(state["snapshots"][str(iteration)])
        self.history = restored_history(state["history"])


def _copy(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copy weights in single precision, which the final weights have too."""
    return {k: v.detach().to(torch.float32, copy=True) for k, v in weights.items()}


def _with_text_keys(rows: Mapping[int, dict[str, Tensor]]) -> dict[str, dict[str, Tensor]]:
    return {str(row): tensors for row, tensors in rows.items()}


def _with_int_keys(saved: Mapping[str, Mapping[str, Any]]) -> dict[int, dict[str, Tensor]]:
    return {
        int(row): {name: torch.from_numpy(array) for name, array in tensors.items()}
        for row, tensors in saved.items()
    }


def _train(
    problem: TuningProblem,
    options: FinetuneOptions,
    model: PromptDT,
    row: int,
    name: str,
    keep: Callable[[], float],
) -> list[CurvePoint]:
    """Train ``model`` for one row and return its losses; calls ``keep`` every iteration."""
    batches, dropout = problem.streams(2 * len(problem.rows))[2 * row : 2 * row + 2]
    generator = torch_generator(batches)
    prompt = None
    if problem.initial_prompts is not None:
        prompt = problem.initial_prompts.select(slice(row, row + 1))  # (1, P, ..)
    settings = TrainingSettings(
        steps=options.iterations * options.steps_per_iteration,
        learning_rate=options.learning_rate,
        weight_decay=options.weight_decay,
        gradient_clip=options.gradient_clip,
        precision=problem.precision,
        validation_every=options.steps_per_iteration,
    )
    model.dropout.reseed(int(integers(dropout, 1)[0]))
    return train(
        model,
        lambda: (problem.samples.draw(generator, row, options.batch), prompt),
        settings,
        f"{name} {problem.suite.name} task {problem.rows[row]}",
        keep,
    )


def _history(
    problem: TuningProblem, options: FinetuneOptions, row: int, curve: list[CurvePoint]
) -> Iterator[HistoryRow]:
    """Yield a row's history; the objective is the iteration's mean training loss.

    It is NaN for iteration 0.
    """
    start = CurvePoint(0, float("nan"), float("nan"), 0.0)
    for point in (start, *curve):
        yield HistoryRow(
            task=int(problem.rows[row]),
            prompt=int(problem.prompts[row]),
            iteration=point.step // options.steps_per_iteration,
            gradient_steps=point.step,
            objective=point.train_loss,
        )
