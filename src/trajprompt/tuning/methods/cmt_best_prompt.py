"""One prompt for all states: the mean over the best tenth of the episodes.

A control that the paper lacks. It is to the prompt adaptor what 10 % BC is to an offline
algorithm: it chooses data by their returns, and needs no planning.
"""

from dataclasses import dataclass

import numpy as np

from trajprompt.adaptations.adaptation import Adaptation, HistoryRow
from trajprompt.models.cmt.model import CONSTANT
from trajprompt.settings.options import Strict
from trajprompt.tuning.protocol import TuningProblem, register


@dataclass(frozen=True)
class BestPromptOptions(Strict):
    """No options; the share of the episodes is that of ``relabel`` in the config."""


@register("cmt-best-prompt", BestPromptOptions, reads_relabelled=True)
def tune(problem: TuningProblem, options: BestPromptOptions) -> Adaptation:
    """Put the mean prompt of the best episodes in place of the encoder's prompts."""
    _, best = problem.require_relabelled()
    rows = range(len(problem.rows))
    return Adaptation(
        last=None,
        best=None,
        best_iteration=np.zeros(len(rows), np.int64),
        history=[
            HistoryRow(task, prompt, iteration=0)
            for task, prompt in zip(
                problem.rows.tolist(), problem.prompts.tolist(), strict=True
            )
        ],
        weights={row: {CONSTANT: best} for row in rows},
        parameters=best.numel(),
    )
