"""Retrieval: the prompt of a training task that imitates the cell's samples best.

A control that the papers lack: methods that learn from the training tasks' prompts should
beat the choice of one of them.
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
from trajprompt.tuning.prompt_vectors import different, to_vectors
from trajprompt.tuning.protocol import TuningProblem, register
from trajprompt.tuning.samples import draw_rows


@dataclass(frozen=True)
class RetrievalOptions(Strict):
    # 600 prompts on 128 samples are as many passes as PTDT's 160 steps of 15 candidates on
    # 32 samples (PTDT Table 6).
    # They are of all training tasks together, the same number of each.
    candidates: Annotated[int, Interval(ge=1, le=1_000_000)] = 600
    judging_batch: Size = 128


@register("retrieval", RetrievalOptions, moves_prompts=True, reads_training_tasks=True)
def tune(problem: TuningProblem, options: RetrievalOptions) -> Adaptation:
    """Nothing is tuned. ``best`` is the initial prompt where that one imitates better."""
    initial = problem.require_prompts()
    candidates, tasks = _candidates(problem, options)  # (C, P, ..)
    rows, judged = len(problem.rows), len(tasks)
    judging = torch_generator(problem.streams(1)[0])
    contexts = draw_rows(problem.samples, judging, rows, options.judging_batch)
    loss = ImitationLoss(problem.backbone.model, problem.precision)
    before = loss(initial.map(lambda x: x.unsqueeze(1)), contexts)[:, 0]  # (R,)
    everywhere = candidates.map(lambda x: x.expand(rows, *x.shape))
    after, chosen = loss(everywhere, contexts).min(dim=1)  # (R,), (R,)
    found = candidates.select(chosen.to(candidates.mask.device))  # (R, P, ..)
    better = after < before
    known = problem.require_training_prompts().prompts.leading[0]
    counts = np.bincount(tasks, minlength=known)
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
    """Different prompts (C, P, ..) and the place of each one's training task (C,).

    Of the first draws of every task.
    """
    prompts = problem.require_training_prompts().prompts  # (T, n, P, ..)
    tasks, held = prompts.leading
    count = min(held, max(1, options.candidates // tasks))
    drawn = prompts.select((slice(None), slice(count))).flatten()
    first = different(drawn)
    return drawn.select(torch.from_numpy(first).to(drawn.mask.device)), first // count


def _where(first: Tensor, yes: Segments, no: Segments) -> Segments:
    """Row by row ``yes`` where ``first`` (R,) is true, else ``no``."""
    first = first.to(yes.mask.device)
    parts = [
        torch.where(first.view(-1, *[1] * (a.dim() - 1)), a, b)
        for a, b in zip(yes, no, strict=True)
    ]
    return Segments(*parts)


def _history(
    problem: TuningProblem, before: Tensor, after: Tensor, found: Segments, judged: int
) -> list[HistoryRow]:
    """Iteration 0 is the initial prompt, 1 the retrieved one."""
    moved = (to_vectors(found) - to_vectors(problem.require_prompts())).norm(dim=-1)
    return [
        HistoryRow(
            task=int(problem.rows[row]),
            prompt=int(problem.prompts[row]),
            iteration=iteration,
            queries=iteration * (judged + 1),
            objective=float(objectives[row]),
            displacement=iteration * float(moved[row]),
        )
        for iteration, objectives in enumerate((before, after))
        for row in range(len(problem.rows))
    ]
