"""Options that all prompt-generating methods share; the defaults are the papers' values."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from annotated_types import Interval

from trajprompt.settings.options import (
    Count,
    NonNegative,
    OptionError,
    Rate,
    Schedule,
    Share,
    Size,
    Steps,
    Strict,
)

if TYPE_CHECKING:
    from trajprompt.tuning.generation.codec import PromptCodec


@dataclass(frozen=True)
class GenerationOptions(Strict):
    # projected: Eq. 15; diffusion: Eq. 18; downstream: Eq. 19; sum: Eq. 20.
    guidance: Literal["projected", "diffusion", "downstream", "sum"] = "projected"
    guidance_weight: NonNegative = 1.0  # λ of Eq. 9 of the AAMAS text, which gives no value
    per_layer: bool = False  # project layer by layer instead of the complete gradient
    # Min-max ranges: PD appendix B has one for each kind of token.
    per_dimension: bool = False  # True: one for each dimension of a state and an action
    temperature: Share = 0.5  # β of Eq. 16; not in the paper, Decision Diffuser's value
    # Pretraining on the prompts of the training tasks; the paper states that it is done.
    pretraining_steps: Steps = 20_000
    pretraining_batch: Size = 32  # as in fine-tuning
    pretraining_rate: Rate = 1e-4  # as in fine-tuning
    # PD Table 4, fine-tune epochs. With 0 iterations the pretrained model generates the
    # prompts, and nothing of the test task is learnt.
    iterations: Annotated[int, Interval(ge=0, le=100_000)] = 20
    steps_per_iteration: Count = 100  # PD Table 4, fine-tune steps
    batch: Size = 32  # PD Table 4, fine-tune batches: prompts of L_DM
    contexts: Size = 32  # PD Table 4, fine-tune batches: contexts of L_DT
    chains: Size = 32  # prompts generated per step for L_DT, each with contexts / chains
    learning_rate: Rate = 1e-4  # PD Table 4
    # Schedule of both rates, in pretraining and again in tuning. PD's rate is constant.
    warmup_steps: Steps = 0  # linear; needed by rates far above the paper's
    schedule: Schedule = "constant"  # after the warm-up
    width: Size = 256  # PD appendix B
    dropout: Annotated[Share, Interval(le=0.9)] = 0.1  # PD Table 4
    judging_batch: Size = 128  # samples that judge the iterates, as in ptdt-offline

    def network(self, codec: "PromptCodec") -> dict[str, Any]:
        """Return the sizes that the networks of all generators have."""
        return {
            "features": codec.features,
            "conditions": codec.conditions,
            "width": self.width,
            "dropout": self.dropout,
        }

    def __post_init__(self) -> None:
        if self.chains > self.batch:  # their conditions are taken from the batch
            expected = f"at most {self.batch}, the value of batch"
            raise OptionError("chains", str(self.chains), expected)
        if self.contexts % self.chains:
            expected = f"a divisor of {self.contexts}, the value of contexts"
            raise OptionError("chains", str(self.chains), expected)
