"""Prefix tuning: key and value pairs of every layer, in the place of the prompt.

Li & Liang 2021, arXiv 2101.00190. Data, loss, optimiser and steps are those of full
fine-tuning. The prefix starts as the keys and values of the initial prompt's tokens, as
the paper starts from the activations of real words (section 7.4). These pairs are all that
the context sees of a prompt, so the prompt itself is hidden: the initial model equals the
backbone with its prompt. Keys and values are tuned directly; the paper's MLP over them
(section 4.3) is dropped after its training, too.
"""

import dataclasses
from dataclasses import dataclass

import torch
from torch import Tensor

from trajprompt.adaptations.adaptation import Adaptation
from trajprompt.models.backbone import Backbone
from trajprompt.models.inference import InferenceModel
from trajprompt.models.prefix import prefix_weights
from trajprompt.models.prompt_dt import PromptDT
from trajprompt.numerics.device import resolve_precision
from trajprompt.settings.options import Rate
from trajprompt.trajectories.segments import Segments
from trajprompt.tuning.finetuning import FinetuneOptions, TunedPart, finetune
from trajprompt.tuning.protocol import TuningProblem, register


@dataclass(frozen=True)
class PrefixOptions(FinetuneOptions):
    learning_rate: Rate = 5e-5  # section 5.3, table-to-text


@register("prefix-tuning", PrefixOptions, moves_prompts=True)
def tune(problem: TuningProblem, options: PrefixOptions) -> Adaptation:
    """Tune one prefix per row, with a pair per layer for each token of the row's prompt.

    The returned prompts are the initial ones with every step marked as padding.
    """
    prompts, backbone = problem.require_prompts(), problem.backbone
    dtype = resolve_precision(problem.precision, backbone.device)

    def start(row: int) -> PromptDT:
        prompt = prompts.select(slice(row, row + 1))
        initial = initial_prefix(backbone, prompt)
        model = backbone.with_weights(initial).model.to(dtype).requires_grad_(False)
        for name, values in initial.items():
            parameter = model.get_parameter(name)
            parameter.data = values.clone()  # not rounded to ``dtype``
            parameter.requires_grad_(True)
        return model

    hidden = prompts._replace(mask=torch.zeros_like(prompts.mask))
    without = dataclasses.replace(problem, initial_prompts=hidden)
    return finetune(without, options, TunedPart(start, prefix_weights), "prefix-tuning")


@torch.no_grad()
def initial_prefix(backbone: Backbone, prompt: Segments) -> dict[str, Tensor]:
    """Return the keys and values (n, W) of the n real tokens of ``prompt`` (1, P, ..)."""
    inputs = InferenceModel(backbone.model, torch.float32).prompt_inputs(prompt)
    real = prompt.mask[0].repeat_interleave(3)
    made = {}
    for layer, ((block, _), tokens) in enumerate(
        zip(backbone.model.layers(), inputs, strict=True)
    ):
        name, x = f"blocks.{layer}.prefix", tokens[0, real]
        made[f"{name}.keys"], made[f"{name}.values"] = block.key(x), block.value(x)
    return made
