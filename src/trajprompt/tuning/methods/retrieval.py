"""Retrieval: the prompt of a training task that imitates the cell's samples best.

It is a control that the papers do not have: methods that learn from the training tasks'
prompts should be better than choosing one of them.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from annotated_types import Interval
from torch import Tensor

from trajprompt.adaptations.adaptation import Adaptation, Extra, HistoryRow
from trajprompt.seeds import torch_generator
from trajprompt.settings.options import Size, Strict
from trajprompt.trajectories.segments import Segments
from trajprompt.tuning.imitation import ImitationLoss
from trajprompt.tuning.prompt_vectors import distinct_indices, to_vectors
from trajprompt.tuning.protocol import TuningProblem, register
from trajprompt.tuning.samples import draw_rows


@dataclass(frozen=True)
class RetrievalOptions(Strict):
    # 600 prompts on 128 samples take the same number of passes as PTDT's 160 steps of 15
    # candidates on 32 samples (PTDT Table 6). Every training task contributes equally.
    candidates: Annotated[int, Interval(ge=1, le=1_000_000)] = 600
    judging_batch: Size = 128


@register("retrieval", RetrievalOptions, moves_prompts=True, reads_training_tasks=True)
def tune(problem: TuningProblem, options: RetrievalOptions) -> Adaptation:
    """Choose a training prompt per row, without tuning it.

    ``best`` is the initial prompt where that imitates better.
    """
    initial = problem.require_prompts()
    candidates, tasks = _candidates(problem, options)  # (C, P, ..)
    rows, judged = len(problem.rows), len(tasks)
    judging = torch_generator(problem.streams(1)[0])
    contexts = draw_rows(problem.samples, judging, rows, options.judging_batch)
    loss = ImitationLoss(problem.backbone.model, problem.precision)
    before = loss(initial.map(lambda x: x.unsqueeze(1)), contexts)[:, 0]  # (R,)
    for_rows = candidates.map(lambda x: x.expand(rows, *x.shape))
    after, chosen = loss(for_rows, contexts).min(dim=1)  # (R,), (R,)
    found = candidates.select(chosen.to(candidates.mask.device))  # (R, P, ..)
    better = after < before
    training_tasks = problem.require_training_prompts().prompts.leading[0]
    counts = np.bincount(tasks, minlength=training_tasks)
    place = "(R,) place of the retrieved prompt's task among the training tasks"
    number = "(T,) different prompts of each training task that were judged"
    return Adaptation(
        last=found,
        best=_where(better, found, initial),
        best_iteration=better.numpy().astype(np.int64),
        history=_history(problem, before, after, found, judged),
        curve={0: initial, 1: found},
        extras={
            "training_task": Extra(tasks[chosen.numpy()], "index", place),
            "different_training_prompts": Extra(counts, "prompts", number),
        },
    )


def _candidates(
    problem: TuningProblem, options: RetrievalOptions
) -> tuple[Segments, np.ndarray]:
    """Return distinct prompts (C, P, ..) and the indices (C,) of their training tasks.

    They are taken from the first draws of every task.
    """
    prompts = problem.require_training_prompts().prompts  # (T, n, P, ..)
    tasks, draws = prompts.leading
    count = min(draws, max(1, options.candidates // tasks))
    drawn = prompts.select((slice(None), slice(count))).flatten()
    first = distinct_indices(drawn)
    return drawn.select(torch.from_numpy(first).to(drawn.mask.device)), first // count


def _where(condition: Tensor, yes: Segments, no: Segments) -> Segments:
    """Return the rows of ``yes`` where ``condition`` (R,) is true, else those of ``no``."""
    condition = condition.to(yes.mask.device)
    parts = [
        torch.where(condition.view(-1, *[1] * (a.dim() - 1)), a, b)
        for a, b in zip(yes, no, strict=True)
    ]
    return Segments(*parts)


def _history(
    problem: TuningProblem, before: Tensor, after: Tensor, found: Segments, judged: int
) -> list[HistoryRow]:
    """Return the history: iteration 0 is the initial prompt, 1 the retrieved prompt."""
    moved = (to_vectors(found) - to_vectors(problem.require_prompts())).norm(dim=-1)
    return [
        HistoryRow(
            task=int(problem.rows[row]),
            prompt=int(problem.prompts[row]),
            iteration=iteration,
            queries=1 + iteration * judged,
            objective=float(objectives[row]),
            displacement=iteration * float(moved[row]),
        )
        for iteration, objectives in enumerate((before, after))
        for row in range(len(problem.rows))
    ]
