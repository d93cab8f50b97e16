"""LoRA: low-rank updates of the attention's query and value weights.

Hu et al. 2021, arXiv 2106.09685. Data, loss, optimiser and steps are those of full
fine-tuning. The two factors of every update are stored, not the weights.
"""

from dataclasses import dataclass

from torch import Tensor

from trajprompt.adaptations.adaptation import Adaptation
from trajprompt.models.low_rank import LowRank, add_low_rank, stored_updates
from trajprompt.models.prompt_dt import PromptDT
from trajprompt.numerics.device import resolve_precision
from trajprompt.seeds import torch_generator
from trajprompt.settings.options import Positive, Rate, Size
from trajprompt.tuning.finetuning import FinetuneOptions, TunedPart, finetune
from trajprompt.tuning.protocol import TuningProblem, register

ADAPTED = ("query", "value")  # section 4.2 and Table 11: Wq and Wv


@dataclass(frozen=True)
class LoraOptions(FinetuneOptions):
    learning_rate: Rate = 2e-4  # Table 11 (GPT-2)
    rank: Size = 4  # r of both, Table 11
    alpha: Positive = 32.0  # Table 11; the update is multiplied by alpha / r


@register("lora", LoraOptions)
def tune(problem: TuningProblem, options: LoraOptions) -> Adaptation:
    """Tune A and B per row; all rows start from the same A, and from B = 0."""
    backbone = problem.backbone
    dtype = resolve_precision(problem.precision, backbone.device)
    layers = [f"blocks.{i}.{n}" for i in range(backbone.config.layers) for n in ADAPTED]

    def start(row: int) -> PromptDT:
        # Fine-tuning uses the streams before the last, two per row.
        generator = torch_generator(problem.streams(2 * len(problem.rows) + 1)[-1])
        model = backbone.with_weights(backbone.model.state_dict()).model
        updates = {
            name: LowRank(
                model.get_parameter(f"{name}.weight"),
                options.rank,
                options.alpha,
                generator,
            )
            for name in layers
        }
        add_low_rank(model.to(dtype), updates)
        return model

    def kept(model: PromptDT) -> dict[str, Tensor]:
        return stored_updates({name: _update(model, name) for name in layers})

    return finetune(problem, options, TunedPart(start, kept), "lora")


def _update(model: PromptDT, layer: str) -> LowRank:
    found = model.get_submodule(f"{layer}.parametrizations.weight.0")
    assert isinstance(found, LowRank)
    return found
