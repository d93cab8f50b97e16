"""No tuning: the frozen backbone with its demonstration prompt, as in Prompt-DT."""

from dataclasses import dataclass

import numpy as np

from trajprompt.adaptations.adaptation import Adaptation, HistoryRow
from trajprompt.settings.options import Strict
from trajprompt.tuning.protocol import TuningProblem, register


@dataclass(frozen=True)
class NoOptions(Strict):
    """No options."""


@register("none", NoOptions)
def tune(problem: TuningProblem, options: NoOptions) -> Adaptation:
    """Return the initial prompts; backbones that take no prompt are allowed too."""
    rows = zip(problem.rows.tolist(), problem.prompts.tolist(), strict=True)
    history = [HistoryRow(task, prompt, iteration=0) for task, prompt in rows]
    prompts = problem.initial_prompts
    return Adaptation(prompts, prompts, np.zeros(len(problem.rows), np.int64), history)
