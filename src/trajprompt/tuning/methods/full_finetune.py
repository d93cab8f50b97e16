"""Full-model fine-tuning (Prompt-DT-FT, FT-full): all weights, on the cell's samples."""

from torch import Tensor

from trajprompt.adaptations.adaptation import Adaptation
from trajprompt.models.prompt_dt import PromptDT
from trajprompt.tuning.finetuning import FinetuneOptions, TunedPart, finetune
from trajprompt.tuning.protocol import TuningProblem, register


@register("full-finetune", FinetuneOptions)
def tune(problem: TuningProblem, options: FinetuneOptions) -> Adaptation:
    """Tune all weights of one copy of the backbone per row."""
    backbone = problem.backbone

    def start(row: int) -> PromptDT:
        return backbone.with_weights(backbone.model.state_dict()).model

    def kept(model: PromptDT) -> dict[str, Tensor]:
        return model.state_dict()

    return finetune(problem, options, TunedPart(start, kept), "full-finetune")
