"""Training settings of pretraining, fine-tuning and prompt generators.

Its defaults change results. Therefore an edit of this file reruns jobs, unlike edits of the
package's other modules (workflow/rules/code.smk).
"""

from dataclasses import dataclass

from trajprompt.settings.options import (
    NonNegative,
    Positive,
    Precision,
    Rate,
    Schedule,
    Steps,
    Strict,
)


@dataclass(frozen=True)
class TrainingSettings(Strict):
    """Settings of a training; defaults are those of mxu34/prompt-dt, pdt_main.py."""

    steps: Steps
    learning_rate: Rate = 1e-4
    weight_decay: NonNegative = 1e-4  # on all weights, also layer norms and embeddings
    warmup_steps: Steps = 0  # linear; 10,000 of the reference's 50,000 steps
    schedule: Schedule = "constant"  # after the warm-up
    gradient_clip: Positive = 0.25
    precision: Precision = "auto"
    validation_every: Steps = 0  # in steps; 0: only at the end, if there is a validation
