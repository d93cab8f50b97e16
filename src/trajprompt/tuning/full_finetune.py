"""Full-model fine-tuning (Prompt-DT-FT, FT-full): every weight, on the cell's samples."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from trajprompt.models.training import CurvePoint, TrainingSettings, train
from trajprompt.options import at_least, at_most, positive
from trajprompt.seeds import integers, torch_generator
from trajprompt.tuning.protocol import Adaptation, TuningProblem, register


@dataclass(frozen=True)
class FinetuneOptions:
    learning_rate: float = 1e-4  # Table 6; mxu34/prompt-dt pdt_main.py
    weight_decay: float = 1e-4  # Table 6, "learning rate decay weight"
    gradient_clip: float = 0.25  # as in pretraining (prompt_seq_trainer.py)
    iterations: int = 20  # Table 6, fine-tuning max iterations
    steps_per_iteration: int = 8  # Table 6, steps per iteration (offline)
    batch: int = 32  # Table 6, fine-tuning batch size for each task

    def __post_init__(self) -> None:
        at_least(self, 1, "iterations", "steps_per_iteration", "batch")
        at_least(self, 0, "weight_decay")
        positive(self, "learning_rate", "gradient_clip")
        at_most(self, 1, "learning_rate")
        at_most(self, 4096, "batch")
        at_most(self, 100_000, "iterations", "steps_per_iteration")


@register("full-finetune", FinetuneOptions)
def tune(problem: TuningProblem, options: FinetuneOptions) -> Adaptation:
    """Fine-tune a copy of the backbone per row, conditioned on the row's prompt.

    Each row starts from the frozen weights with a fresh optimiser (the reference shares
    Adam's state between tasks). Contexts have K steps, as in pretraining (the reference:
    the last K* steps of an episode). Nothing is selected: ``best`` is ``last``.
    """
    tuned = _Tuned(problem, options)
    for row in problem.checkpoint.steps(len(problem.rows), tuned, "full-finetune"):
        tuned.add(row)
    prompts = problem.initial_prompts
    iterations = np.full(len(problem.rows), options.iterations, np.int64)
    return Adaptation(prompts, prompts, iterations, tuned.history, weights=tuned.weights)


class _Tuned:
    """The rows that are done (a `checkpoint.Resumable`; a row itself takes seconds)."""

    def __init__(self, problem: TuningProblem, options: FinetuneOptions):
        self.problem, self.options = problem, options
        self.weights: dict[int, dict[str, Tensor]] = {}
        self.history: list[dict[str, Any]] = []

    def add(self, row: int) -> None:
        self.weights[row], curve = _finetune(self.problem, self.options, row)
        self.history += _history(self.problem, self.options, row, curve)

    def state(self) -> dict[str, Any]:
        weights = {str(row): tensors for row, tensors in self.weights.items()}
        return {"weights": weights, "history": self.history}

    def restore(self, state: Mapping[str, Any]) -> None:
        for row, tensors in state["weights"].items():
            found = {name: torch.from_numpy(array) for name, array in tensors.items()}
            self.weights[int(row)] = found
        self.history = state["history"]


def _finetune(
    problem: TuningProblem, options: FinetuneOptions, row: int
) -> tuple[dict[str, Tensor], list[CurvePoint]]:
    """The tuned state dict of one row and its training losses."""
    backbone = problem.backbone
    tuned = backbone.with_weights(backbone.model.state_dict())
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
        seed=int(integers(dropout, 1)[0]),
    )
    label = f"fine-tune {problem.suite.name} task {problem.rows[row]}"
    curve = train(
        tuned.model,
        lambda: (problem.samples.draw(generator, row, options.batch), prompt),
        settings,
        label,
    )
    return tuned.model.state_dict(), curve


def _history(
    problem: TuningProblem, options: FinetuneOptions, row: int, curve: list[CurvePoint]
) -> Iterator[dict[str, Any]]:
    """The objective is the mean training loss of the iteration; none at the start."""
    start = CurvePoint(0, float("nan"), float("nan"), 0.0)
    for point in (start, *curve):
        yield {
            "task": int(problem.rows[row]),
            "prompt": int(problem.prompts[row]),
            "iteration": point.step // options.steps_per_iteration,
            "queries": 0,
            "simulator_steps": 0,
            "gradient_steps": point.step,
            "objective": point.train_loss,
            "displacement": 0.0,
        }
