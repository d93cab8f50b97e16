"""Soft Prompt: AdamW on the prompt through the frozen backbone (PD appendix F)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from trajprompt.adaptations.adaptation import Adaptation
from trajprompt.numerics.device import keep_freed_memory
from trajprompt.numerics.flat_adamw import FlatAdamW
from trajprompt.seeds import torch_generator
from trajprompt.settings.options import Count, NonNegative, Scale, Size, Strict
from trajprompt.trajectories.segments import Segments
from trajprompt.tuning.imitation import ImitationLoss, PromptLoss
from trajprompt.tuning.prompt_vectors import to_prompts
from trajprompt.tuning.protocol import TuningProblem, register
from trajprompt.tuning.samples import draw_rows
from trajprompt.tuning.trace import Cost, DescentTrace


@dataclass(frozen=True)
class SoftPromptOptions(Strict):
    # PD appendix F, the literal choice. AdamW moves a value by this much per step, so 160
    # steps move it by at most 0.016 standard deviations. Calibrated: docs/calibration.md.
    learning_rate: Scale = 1e-4
    weight_decay: NonNegative = 1e-4  # PD appendix F
    # PD gives no budget. These are PTDT's values; both then use the same number of batches.
    iterations: Count = 20  # PTDT Table 6, fine-tuning max iterations
    steps_per_iteration: Count = 8  # PTDT Table 6, steps per iteration (offline)
    batch: Size = 32  # PTDT Table 6, fine-tuning batch size for each task
    judging_batch: Size = 128  # samples that judge the iterates, as in ptdt-offline


@register("soft-prompt", SoftPromptOptions, moves_prompts=True)
def tune(problem: TuningProblem, options: SoftPromptOptions) -> Adaptation:
    """Tune return-to-go, states and actions; timesteps and mask are fixed (as in Eq. 4)."""
    return _PromptDescent(problem, options).run()


class _PromptDescent:
    """Descent of all rows in one batch; rows are independent, as AdamW is elementwise."""

    def __init__(self, problem: TuningProblem, options: SoftPromptOptions):
        keep_freed_memory()
        self.problem, self.options = problem, options
        self.trace = DescentTrace(problem, options.iterations)
        self.loss = PromptLoss(problem.backbone, problem.precision)
        self.judge = ImitationLoss(problem.backbone.model, problem.precision)
        batches, judging = problem.streams(2)
        self.generator = torch_generator(batches)
        fixed = torch_generator(judging)
        self.judging = self._batch(fixed, options.judging_batch)
        self.position = nn.Parameter(self.trace.start.clone())  # (R, d)
        self.position.grad = torch.zeros_like(self.position)
        self.optimiser = FlatAdamW(
            self.position, options.learning_rate, options.weight_decay
        )

    def run(self) -> Adaptation:
        total = self.options.iterations * self.options.steps_per_iteration
        label = f"{self.problem.suite.name} soft-prompt"
        for step in self.problem.checkpoint.steps(total, self, label):
            if step % self.options.steps_per_iteration == 0:
                self._keep(step)
            contexts = self._batch(self.generator, self.options.batch)
            prompts = to_prompts(self.position, self.trace.template)
            self.optimiser.minimise(self.loss(prompts, contexts).sum())
        self._keep(total)
        return self.trace.adaptation()

    def state(self) -> dict[str, Any]:
        return {
            "optimiser": self.optimiser.state(),
            "generator": self.generator.get_state(),
            "trace": self.trace.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self.optimiser.restore(state["optimiser"])
        self.generator.set_state(torch.from_numpy(state["generator"]))
        self.trace.restore(state["trace"])

    def _batch(self, generator: torch.Generator, count: int) -> Segments:
        """Draw contexts (R, count, K, ..) from each row's samples."""
        return draw_rows(self.problem.samples, generator, len(self.problem.rows), count)

    def _keep(self, step: int) -> None:
        """Judge the iterate on the fixed samples; each judgement is one query."""
        iteration = step // self.options.steps_per_iteration
        position = self.position.detach()
        candidates = to_prompts(position.unsqueeze(1), self.trace.template)
        judged = self.judge(candidates, self.judging)[:, 0]  # (R,)
        self.trace.keep(iteration, position, judged, Cost(iteration + 1, 0, step))
