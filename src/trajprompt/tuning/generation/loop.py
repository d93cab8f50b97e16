"""Prompts from a generative model: Algorithm 1 of Prompt Diffuser, for any model.

The model first learns the prompts of the training tasks. A copy per row then learns the
prompts of the row's task, guided by the loss of the frozen backbone. The adapted prompt is
generated for the condition of the row's initial prompt.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from trajprompt.adaptations.adaptation import Adaptation, Extra
from trajprompt.errors import TrajpromptError
from trajprompt.models.training import learning_rate_at
from trajprompt.numerics.device import keep_freed_memory
from trajprompt.seeds import torch_generator
from trajprompt.settings.training import TrainingSettings
from trajprompt.trajectories.segments import Segments
from trajprompt.tuning.generation.codec import PromptCodec
from trajprompt.tuning.generation.learner import Drawn, EncodedPrompts, Generator, Learner
from trajprompt.tuning.generation.options import GenerationOptions
from trajprompt.tuning.generation.projection import GUIDANCE, conflicts, project
from trajprompt.tuning.generation.shown_prompts import distinct_prompt_counts, shown_prompts
from trajprompt.tuning.imitation import ImitationLoss, PromptLoss
from trajprompt.tuning.prompt_vectors import to_vectors
from trajprompt.tuning.protocol import SharedStream, TuningProblem
from trajprompt.tuning.samples import draw_rows
from trajprompt.tuning.trace import Cost, DescentTrace

Build = Callable[[PromptCodec, torch.Generator], Generator]  # one row, random weights

# Means over the steps of an iteration: name -> (unit, description).
CURVES = {
    "generator_loss": ("1", "L_DM of Eq. 10, or that of another model"),
    "downstream_loss": ("squared action", "L_DT of Eq. 13, at temperature 1"),
    "generator_gradient": ("1", "norm of its gradient"),
    "downstream_gradient": ("1", "norm of its gradient, before projection"),
    "conflicts": ("share", "steps at which the gradients were opposed"),
}


def adapt(problem: TuningProblem, options: GenerationOptions, build: Build) -> Adaptation:
    """Pretrain, tune and generate; iteration 0 is the prompt of the pretrained model."""
    return Generation(problem, options, build).run()


class Generation:
    """One adaptation in progress (a `checkpoint.Resumable`)."""

    def __init__(self, problem: TuningProblem, options: GenerationOptions, build: Build):
        keep_freed_memory()
        self.problem, self.options = problem, options
        self.guidance = GUIDANCE[options.guidance]
        self.trace = DescentTrace(problem, options.iterations)
        training = problem.require_training_prompts()
        self.codec = PromptCodec.fit(training, options.per_dimension)
        in_one_row = training.map(lambda x: x.flatten(0, 1).unsqueeze(0))
        self.training = EncodedPrompts.of(self.codec, in_one_row)  # (1, T n, ..)
        prompt_set = problem.require_prompt_set()
        self.prompt_set = EncodedPrompts.of(self.codec, prompt_set)  # (R, n, ..)
        self._seed_generators()
        fresh = build(self.codec, torch_generator(problem.shared(SharedStream.WEIGHTS)))
        fresh = fresh.with_vectors(fresh.vectors.to(problem.backbone.device))
        self.prior = Learner(fresh, 1, options.pretraining_rate)
        self.learner = Learner(fresh, len(problem.rows), options.learning_rate)
        self.loss = PromptLoss(problem.backbone, problem.precision)
        self.judge = ImitationLoss(problem.backbone.model, problem.precision)
        self.pretraining_curve = np.zeros(options.pretraining_steps, np.float32)
        shape = (len(CURVES), options.iterations, len(problem.rows))
        self.curves = np.zeros(shape, np.float32)

    def _seed_generators(self) -> None:
        """Create the random generators; variants of a method share that of pretraining."""
        batches, judging = self.problem.streams(2)
        self.pretraining_generator = torch_generator(
            self.problem.shared(SharedStream.PRETRAINING)
        )
        self.generator = torch_generator(batches)
        fixed = torch_generator(judging)
        self.judging = self._contexts(fixed, self.options.judging_batch)

    def run(self) -> Adaptation:
        options, first = self.options, self.options.pretraining_steps
        label = f"{self.problem.suite.name} prompt generator"
        total = first + options.iterations * options.steps_per_iteration
        if first == 0:
            self._begin_tuning()
        for step in self.problem.checkpoint.steps(total, self, label):
            if step >= first:
                self._tune(step - first)
                continue
            self._pretrain(step)
            if step + 1 == first:
                self._begin_tuning()
        return dataclasses.replace(
            self.trace.adaptation(),
            parameters=self.learner.model.layers.parameters,
            extras=self._extras(),
        )

    def state(self) -> dict[str, Any]:
        return {
            "prior": self.prior.state(),
            "learner": self.learner.state(),
            "pretraining_chance": self.pretraining_generator.get_state(),
            "generator": self.generator.get_state(),
            "trace": self.trace.state(),
            "pretraining_curve": self.pretraining_curve,
            "curves": self.curves,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self.prior.restore(state["prior"])
        self.learner.restore(state["learner"])
        self.pretraining_generator.set_state(torch.from_numpy(state["pretraining_chance"]))
        self.generator.set_state(torch.from_numpy(state["generator"]))
        self.trace.restore(state["trace"])
        self.pretraining_curve[:] = state["pretraining_curve"]
        self.curves[:] = state["curves"]

    def sampling_inputs(self) -> tuple[Tensor, torch.Generator]:
        """Return condition (R, 1, c) and random generator of the adapted prompts.

        They are the same at every call.
        """
        y = self.codec.condition(self.trace.template).unsqueeze(1)
        return y, torch_generator(self.problem.shared(SharedStream.WRITTEN))

    def _pretrain(self, step: int) -> None:
        generator = self.pretraining_generator
        batch = self.training.draw(generator, self.options.pretraining_batch)
        losses = self.prior.model.loss(batch.x0, batch.y, generator)
        self.pretraining_curve[step] = self._finite(losses).item()
        rate_factor = self._rate_factor(step, self.options.pretraining_steps)
        self.prior.descend(self.prior.gradient(losses), rate_factor)

    def _begin_tuning(self) -> None:
        """Copy the pretrained model to every row, and log iteration 0."""
        with torch.no_grad():
            self.learner.vectors.copy_(self.prior.vectors.expand_as(self.learner.vectors))
        self._keep(0)

    def _tune(self, step: int) -> None:
        """Take one step of every row: Algorithm 1, lines 3 to 6."""
        iteration, within = divmod(step, self.options.steps_per_iteration)
        batch = self.prompt_set.draw(self.generator, self.options.batch)
        model, rng, guidance = self.learner.model, self.generator, self.guidance
        base_loss, base = self._loss_and_gradient(
            guidance.generator, lambda: model.loss(batch.x0, batch.y, rng)
        )
        guide_loss, guide = self._loss_and_gradient(
            guidance.downstream, lambda: self._downstream_loss(batch)
        )
        norms, opposed = (base.norm(dim=1), guide.norm(dim=1)), conflicts(base, guide)
        values = torch.stack([base_loss, guide_loss, *norms, opposed[:, 0].float()])
        weight = 1 / self.options.steps_per_iteration
        self.curves[:, iteration] += weight * values.detach().cpu().numpy()
        if guidance.projects:
            guide = project(base, guide, self._parts())
        steps = self.options.iterations * self.options.steps_per_iteration
        along = torch.add(base, guide, alpha=self.options.guidance_weight)
        self.learner.descend(along, self._rate_factor(step, steps))
        if within + 1 == self.options.steps_per_iteration:
            self._keep(iteration + 1)

    def _loss_and_gradient(
        self, is_used: bool, loss: Callable[[], Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Return a loss (R,) and its gradient (R, n), or zeros if it is not used."""
        if not is_used:
            zero = torch.zeros_like(self.learner.vectors)
            return zero[:, 0], zero
        losses = self._finite(loss())
        return losses, self.learner.gradient(losses)

    def _rate_factor(self, step: int, steps: int) -> float:
        """Return the learning-rate factor at one of ``steps`` of pretraining or tuning."""
        warmup_steps, schedule = self.options.warmup_steps, self.options.schedule
        settings = TrainingSettings(
            steps, 1.0, warmup_steps=warmup_steps, schedule=schedule
        )
        return learning_rate_at(step, settings)

    def _parts(self) -> list[int]:
        layers = self.learner.model.layers
        return layers.sizes if self.options.per_layer else [layers.parameters]

    def _downstream_loss(self, batch: Drawn) -> Tensor:
        """Return the loss (R,) of Eq. 13; each prompt gets a share of the contexts."""
        rows, chains = len(self.problem.rows), self.options.chains
        y, given = batch.y[:, :chains], self.prompt_set.prompts_at(batch.places[:, :chains])
        sampled = self.learner.model.sample(y, self.generator, temperature=1.0)  # Eq. 4
        prompts = self.codec.decode(sampled, given).flatten()  # (R * chains, P, ..)
        contexts = self._contexts(self.generator, self.options.contexts)
        losses = self.loss(prompts, contexts.reshape(rows * chains, -1))
        return losses.view(rows, chains).mean(dim=1)

    def _contexts(self, generator: torch.Generator, count: int) -> Segments:
        """Draw contexts (R, count, K, ..) from each row's samples."""
        return draw_rows(self.problem.samples, generator, len(self.problem.rows), count)

    def _finite(self, losses: Tensor) -> Tensor:
        if not losses.isfinite().all():
            found = "found a loss that is not finite"
            remedy = "lower learning_rate, or raise pretraining_steps, in the config"
            where = f"{self.problem.suite.name} prompt generator"
            raise TrajpromptError(where, found, "finite losses", remedy)
        return losses

    @torch.no_grad()
    def _keep(self, iteration: int) -> None:
        """Generate the prompts of this iteration, and judge them on the fixed contexts."""
        y, generator = self.sampling_inputs()
        sampled = self.learner.model.sample(y, generator, self.options.temperature)
        given = self.trace.template.map(lambda x: x.unsqueeze(1))
        prompts = self.codec.decode(sampled, given)  # (R, 1, P, ..)
        objectives = self.judge(prompts, self.judging)[:, 0]
        done = iteration * self.options.steps_per_iteration
        cost = Cost(iteration + 1, 0, self.options.pretraining_steps + done)
        self.trace.keep(iteration, to_vectors(prompts)[:, 0], objectives, cost)

    def _extras(self) -> dict[str, Extra]:
        text = "(steps,) loss of pretraining on the prompts of the training tasks"
        extras = {"pretraining_loss": Extra(self.pretraining_curve, "1", text)}
        for (name, (unit, text)), values in zip(CURVES.items(), self.curves, strict=True):
            extras[name] = Extra(values, unit, f"(iterations, R) {text}")
        training = self.problem.require_training_prompts().prompts
        extras |= distinct_prompt_counts(self.prompt_set.prompts, training)
        generator = torch_generator(self.problem.shared(SharedStream.SHOWN))
        arguments = self.prompt_set, self.options.temperature, generator
        return extras | shown_prompts(self.learner.model, self.codec, *arguments)
