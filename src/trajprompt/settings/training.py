"""How a backbone is trained: by pretraining, fine-tuning and generators of prompts.

Its defaults make numbers. So this file counts as code of a job (workflow/rules/code.smk),
and the other modules of the package do not.
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
    """Defaults of mxu34/prompt-dt pdt_main.py where a default is given."""

    steps: Steps
    learning_rate: Rate = 1e-4
    weight_decay: NonNegative = 1e-4  # on every weight, layer norms and embeddings included
    warmup_steps: Steps = 0  # linear; the reference's 50,000 steps begin with 10,000
    schedule: Schedule = "constant"  # after the warm-up
    gradient_clip: Positive = 0.25
    precision: Precision = "auto"
    validation_every: Steps = 0  # 0: only at the end, if there is a validation
