"""The options that all prompt-generating methods share; the defaults are the papers'."""

from dataclasses import dataclass

from trajprompt.models.training import SCHEDULES
from trajprompt.settings.options import (
    OptionError,
    at_least,
    at_most,
    one_of,
    positive,
    share,
)
from trajprompt.tuning.generation.projection import GUIDANCE


@dataclass(frozen=True)
class GenerationOptions:
    guidance: str = (
        "projected"  # Eq. 15; diffusion: Eq. 18; downstream: Eq. 19; sum: Eq. 20
    )
    guidance_weight: float = 1.0  # λ of Eq. 9 of the AAMAS text, which gives no value
    per_layer: bool = False  # project layer by layer instead of the whole gradient
    # Min-max ranges: PD appendix B has one for each kind of token.
    per_dimension: bool = False  # one for each dimension of a state and an action
    temperature: float = 0.5  # β of Eq. 16; not stated, Decision Diffuser's value
    # Pretraining on the prompts of the training tasks; the paper says that it is done.
    pretraining_steps: int = 20_000
    pretraining_batch: int = 32  # as fine-tuning
    pretraining_rate: float = 1e-4  # as fine-tuning
    # Zero iterations: the pretrained model writes, nothing of the test task is learnt.
    iterations: int = 20  # PD Table 4, fine-tune epochs
    steps_per_iteration: int = 100  # PD Table 4, fine-tune steps
    batch: int = 32  # PD Table 4, fine-tune batches: prompts of L_DM
    contexts: int = 32  # the same of L_DT
    chains: int = 32  # prompts generated for L_DT per step, each for its share of contexts
    learning_rate: float = 1e-4  # PD Table 4
    # Of both rates, in pretraining and again in tuning: PD has a constant one.
    warmup_steps: int = 0  # linear; a rate far above the paper's needs it
    schedule: str = "constant"  # after the warm-up
    width: int = 256  # PD appendix B
    dropout: float = 0.1  # PD Table 4
    judging_batch: int = 128  # iterates are judged on these, as in ptdt-offline

    def __post_init__(self) -> None:
        one_of(self, tuple(GUIDANCE), "guidance")
        one_of(self, SCHEDULES, "schedule")
        at_least(self, 0, "guidance_weight", "pretraining_steps", "iterations")
        at_least(self, 0, "warmup_steps")
        batches = ("pretraining_batch", "batch", "contexts", "judging_batch")
        counts = (*batches, "chains", "width")
        at_least(self, 1, "steps_per_iteration", *counts)
        at_most(self, 100_000, "steps_per_iteration", "iterations")
        at_most(self, 10_000_000, "pretraining_steps", "warmup_steps")
        at_most(self, 4096, *counts)
        positive(self, "pretraining_rate", "learning_rate")
        at_most(self, 1, "pretraining_rate", "learning_rate")
        share(self, "temperature", "dropout")
        at_most(self, 0.9, "dropout")
        at_most(self, self.batch, "chains")  # conditions are those of the batch
        if self.contexts % self.chains:
            expected = f"a divisor of contexts, {self.contexts}"
            raise OptionError("chains", str(self.chains), expected)
