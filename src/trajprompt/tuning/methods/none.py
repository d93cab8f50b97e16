"""No tuning: the frozen backbone with its demonstration prompt (Prompt-DT's own way)."""

from dataclasses import dataclass

import numpy as np

from trajprompt.adaptations.adaptation import Adaptation, HistoryRow
from trajprompt.settings.options import Strict
from trajprompt.tuning.protocol import TuningProblem, register


@dataclass(frozen=True)
class NoOptions(Strict):
    """Nothing to choose."""


@register("none", NoOptions)
def tune(problem: TuningProblem, options: NoOptions) -> Adaptation:
    """Hand the initial prompts back; also serves backbones that take no prompt."""
    rows = zip(problem.rows.tolist(), problem.prompts.tolist(), strict=True)
    history = [HistoryRow(task, prompt, iteration=0) for task, prompt in rows]
    prompts = problem.initial_prompts
    return Adaptation(prompts, prompts, np.zeros(len(problem.rows), np.int64), history)
