"""Change of the predicted actions by tuning: one measure for prompts and weights."""

from typing import TYPE_CHECKING

import numpy as np
import torch

from trajprompt.seeds import child, torch_generator
from trajprompt.tuning.samples import draw_rows

if TYPE_CHECKING:
    from trajprompt.adaptations.adaptation import Adaptation
    from trajprompt.models.backbone import Backbone
    from trajprompt.trajectories.segments import Segments
    from trajprompt.tuning.protocol import TuningProblem

CONTEXTS = 32  # per row
CHILD = 100  # of the shared stream, beyond those of SharedStream


def action_change(problem: "TuningProblem", adaptation: "Adaptation") -> np.ndarray:
    """Return the mean absolute change (R,) of actions, which are within [-1, 1].

    The contexts are drawn from the rows' samples, the same for every method.
    """
    generator = torch_generator(child(problem.shared_stream, CHILD))
    rows = len(problem.rows)
    contexts = draw_rows(problem.samples, generator, rows, CONTEXTS)
    before, after = problem.initial_prompts, adaptation.last
    weights = adaptation.weights or {}
    found = []
    for row in range(rows):
        tuned = problem.backbone
        if row in weights:
            tuned = tuned.with_weights(weights[row])
        found.append(
            _difference(problem.backbone, tuned, before, after, contexts, row),
        )
    return np.array(found)


@torch.no_grad()
def _difference(
    backbone: "Backbone",
    tuned: "Backbone",
    before: "Segments | None",
    after: "Segments | None",
    contexts: "Segments",
    row: int,
) -> float:
    """Return the change of one row, over the real steps of its contexts (b, K, ..)."""
    context = contexts.select(row)
    one = slice(row, row + 1)
    first = backbone.model(context, None if before is None else before.select(one))
    last = tuned.model(context, None if after is None else after.select(one))
    return float((last - first).abs()[context.mask].mean())
