"""Prompt adaptor of the Contextual Meta Transformer (improvement stage, Eq. 4)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from trajprompt.adaptations.adaptation import (
    Adaptation,
    Extra,
    HistoryRow,
    restored_history,
    saved_history,
)
from trajprompt.models.cmt.model import ADAPTOR, Cmt, tuned
from trajprompt.models.cmt.prompt_adaptor import PromptAdaptor
from trajprompt.models.cmt.relabelled import Relabelled
from trajprompt.numerics.flat_adamw import FlatAdamW
from trajprompt.numerics.networks import flatten_parameters
from trajprompt.seeds import integers, torch_generator
from trajprompt.settings.options import Count, NonNegative, Rate, Size, Strict
from trajprompt.tuning.protocol import TuningProblem, register

SHOWN = 256  # prompts before and after tuning that are stored


@dataclass(frozen=True)
class CmtAdaptorOptions(Strict):
    """The paper prints none but the extremes of beta."""

    hidden: Size = 64  # units of the adaptor
    updates: Count = 300
    batch: Size = 64  # relabelled states
    learning_rate: Rate = 1e-3  # falls to zero along a half cosine
    behaviour: NonNegative = 1.0  # beta of Eq. 4; the ablation (Figure 5) has 0 and 50
    points: Count = 10  # of the curve of the loss


@register("cmt-adaptor", CmtAdaptorOptions, reads_relabelled=True)
def tune(problem: TuningProblem, options: CmtAdaptorOptions) -> Adaptation:
    """Tune one adaptor for all rows; the encoder and the generator are frozen.

    Rows have no prompts of their own, so a suite has a single row.
    """
    data, _ = problem.require_relabelled()
    learning = _Learning(problem, options, data)
    for step in problem.checkpoint.steps(options.updates, learning, "cmt-adaptor"):
        learning.update(step)
    weights = {
        f"{ADAPTOR}{name}": tensor.detach().clone()
        for name, tensor in learning.adaptor.state_dict().items()
    }
    rows = len(problem.rows)
    return Adaptation(
        last=None,
        best=None,
        best_iteration=np.full(rows, options.updates, np.int64),
        history=learning.history,
        weights=dict.fromkeys(range(rows), weights),
        parameters=sum(tensor.numel() for tensor in weights.values()),
        extras=_prompts(learning.data, learning.adaptor),
    )


class _Learning:
    """Tuning in progress (a `checkpoint.Resumable`)."""

    def __init__(
        self, problem: TuningProblem, options: CmtAdaptorOptions, data: Relabelled
    ):
        self.problem, self.options = problem, options
        device = problem.backbone.device
        self.data = Relabelled(*(part.to(device) for part in data))
        frozen: Cmt = problem.backbone.model
        weights, batches = problem.streams(2)
        torch.manual_seed(int(integers(weights, 1)[0]))
        fresh = PromptAdaptor(frozen.config.prompt_dim, options.hidden).state_dict()
        named = {f"{ADAPTOR}{name}": tensor for name, tensor in fresh.items()}
        self.model = tuned(frozen, named).requires_grad_(False)
        self.adaptor = self.model.adaptor.requires_grad_(True)
        self.optimiser = FlatAdamW(flatten_parameters(self.adaptor), options.learning_rate)
        self.generator = torch_generator(batches)
        self.history: list[HistoryRow] = []
        self._record(0)

    def update(self, step: int) -> None:
        count = len(self.data.gains)
        batch = min(self.options.batch, count)
        rows = torch.randint(count, (batch,), generator=self.generator)
        rows = rows.to(self.data.gains.device)
        share = 0.5 * (1 + math.cos(math.pi * step / self.options.updates))
        self.optimiser.learning_rate = self.options.learning_rate * share
        self.optimiser.minimise(self._loss(rows))
        done = step + 1
        every = max(1, self.options.updates // self.options.points)
        if done % every == 0 or done == self.options.updates:
            self._record(done)

    def _loss(self, rows: Tensor) -> Tensor:
        """Eq. 4 on the relabelled states ``rows`` (B,); means in place of its sums."""
        data = self.data
        before = data.prompts[rows]
        after = self.adaptor(before)
        places = data.places[rows]
        longest = int(places.max()) + 1  # later steps change nothing
        states, actions, rewards = (
            part[rows, :longest]
            for part in (data.states, data.window_actions, data.rewards)
        )
        found = self.model.generator(after, states, actions, rewards)
        chosen = found.actions[torch.arange(len(rows), device=rows.device), places]
        imitation = (chosen - data.actions[rows]).square().mean()
        return imitation + self.options.behaviour * (before - after).square().mean()

    @torch.no_grad()
    def _record(self, done: int) -> None:
        """Add the loss on all relabelled states to the history of every row."""
        gains = self.data.gains
        objective = float(self._loss(torch.arange(len(gains), device=gains.device)))
        drift = (self.adaptor(self.data.prompts) - self.data.prompts).norm(dim=1).mean()
        for task, prompt in zip(
            self.problem.rows.tolist(), self.problem.prompts.tolist(), strict=True
        ):
            self.history.append(
                HistoryRow(
                    task,
                    prompt,
                    iteration=done,
                    gradient_steps=done,
                    objective=objective,
                    displacement=float(drift),
                )
            )

    def state(self) -> dict[str, Any]:
        return {
            "optimiser": self.optimiser.state(),
            "batches": self.generator.get_state(),
            "history": saved_history(self.history),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self.optimiser.restore(state["optimiser"])
        self.generator.set_state(torch.as_tensor(state["batches"]).clone())
        self.history = restored_history(state["history"])


@torch.no_grad()
def _prompts(data: Relabelled, adaptor: PromptAdaptor) -> dict[str, Extra]:
    """Some prompts before and after tuning."""
    before = data.prompts[:SHOWN]
    pairs = {"before": before, "after": adaptor(before)}
    text = "tuning, one row per relabelled state, one column per number of a prompt"
    return {
        f"prompts_{when}": Extra(values.cpu().numpy(), "1", f"prompts {when} {text}")
        for when, values in pairs.items()
    }
