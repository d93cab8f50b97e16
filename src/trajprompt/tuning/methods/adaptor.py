"""Adaptor: small layers between the frozen layers, tuned on the samples (PD appendix F)."""

from dataclasses import dataclass

from torch import Tensor

from trajprompt.adaptations.adaptation import Adaptation
from trajprompt.models.adaptor import Adaptor
from trajprompt.models.prompt_dt import PromptDT
from trajprompt.models.tuned_weights import ADAPTORS
from trajprompt.numerics.device import resolve_precision
from trajprompt.seeds import torch_generator
from trajprompt.settings.options import Rate, Size
from trajprompt.tuning.finetuning import FinetuneOptions, TunedPart, finetune
from trajprompt.tuning.protocol import TuningProblem, register


@dataclass(frozen=True)
class AdaptorOptions(FinetuneOptions):
    # PD gives no learning rate; the rate of fine-tuning is the literal reading.
    learning_rate: Rate = 1e-4
    bottleneck: Size = 16  # PD appendix F, hidden dimension


@register("adaptor", AdaptorOptions)
def tune(problem: TuningProblem, options: AdaptorOptions) -> Adaptation:
    """Tune adaptors per row, all with the same initial weights; the backbone is frozen."""
    initial = _initial_weights(problem, options)
    device = problem.backbone.device
    dtype = resolve_precision(problem.precision, device)

    def start(row: int) -> PromptDT:
        model = problem.backbone.with_weights(initial).model.to(dtype)
        model.requires_grad_(False)
        model.adaptors.requires_grad_(True).float()
        return model

    return finetune(problem, options, TunedPart(start, _adaptor_weights), "adaptor")


def _initial_weights(problem: TuningProblem, options: AdaptorOptions) -> dict[str, Tensor]:
    """Return the initial adaptors of every row, which do not change the model's output."""
    width, layers = problem.backbone.config.width, problem.backbone.config.layers
    # Fine-tuning uses the streams before the last, two per row.
    generator = torch_generator(problem.streams(2 * len(problem.rows) + 1)[-1])
    made: dict[str, Tensor] = {}
    for layer in range(layers):
        adaptor = Adaptor(width, options.bottleneck)
        adaptor.reset(generator)
        for name, tensor in adaptor.state_dict().items():
            made[f"{ADAPTORS}{layer}.{name}"] = tensor
    return made


def _adaptor_weights(model: PromptDT) -> dict[str, Tensor]:
    weights = model.adaptors.state_dict()
    return {f"{ADAPTORS}{name}": tensor for name, tensor in weights.items()}
