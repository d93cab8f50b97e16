"""Full-model fine-tuning (Prompt-DT-FT, FT-full): every weight, on the cell's samples."""

from torch import Tensor

from trajprompt.adaptations.adaptation import Adaptation
from trajprompt.models.prompt_dt import PromptDT
from trajprompt.tuning.finetuning import FinetuneOptions, Tuned, finetune
from trajprompt.tuning.protocol import TuningProblem, register


@register("full-finetune", FinetuneOptions)
def tune(problem: TuningProblem, options: FinetuneOptions) -> Adaptation:
    """A copy of the backbone per row, every weight of which learns."""
    backbone = problem.backbone

    def start() -> PromptDT:
        return backbone.with_weights(backbone.model.state_dict()).model

    def kept(model: PromptDT) -> dict[str, Tensor]:
        return model.state_dict()

    return finetune(problem, options, Tuned(start, kept), "full-finetune")
