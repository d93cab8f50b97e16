"""Prompt-Tuning Bandits (arXiv 2502.06358, 2502.04979): segments picked slot by slot.

A prompt has J slots; a slot's arms are all windows of H steps of the demonstrations. One
reward model per slot learns the return of an episode from the segment in its slot alone.
The search is therefore among J times A arms instead of A^J prompts. Details that the paper
omits follow the co-author's code; docs/deviations.md lists the reconstructions.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from trajprompt.adaptations.adaptation import Adaptation, Extra
from trajprompt.errors import TrajpromptError
from trajprompt.seeds import child, children, torch_generator
from trajprompt.settings.options import Count, Positive
from trajprompt.trajectories.segments import Segments
from trajprompt.tuning.bandit.exploration import EXPLORERS, ExplorationSettings
from trajprompt.tuning.bandit.features import arm_features
from trajprompt.tuning.bandit.reward_models import RewardModels
from trajprompt.tuning.bandit.reward_refit import RefitSettings, refit
from trajprompt.tuning.bandit.spaces import ArmSpace, JointSpace, SlotSpace
from trajprompt.tuning.protocol import TuningProblem, register
from trajprompt.tuning.search.loop import Choice, SearchOptions, initial_choice, search

MIN_OBSERVATIONS = 2  # before the first fit: co-author's code
# Returns with a standard deviation up to this are only centred, not scaled.
MIN_DEVIATION = 1e-6


@dataclass(frozen=True)
class BanditOptions(SearchOptions):
    # The paper's headline variant.
    exploration: Literal["thompson", "ucb", "epsilon-greedy"] = "thompson"
    # gamma of UCB, nu of Thompson sampling; their values are reconstructions.
    exploration_scale: Positive = 0.1
    # lambda: our choice. A gradient is spread over thousands of weights, so with 1 the
    # confidence widths hardly shrink in 250 rounds; NeuralTS's public scripts use 0.1.
    regulariser: Positive = 0.01
    # According to the paper, raw and backbone (Psi) perform equally well.
    features: Literal["raw", "backbone"] = "raw"
    normalised: bool = True  # False: as in the co-author's code, probably a mistake there
    refit_steps: Count = 1000  # in every round: co-author's code
    warm_start: bool = False  # from the last weights; co-author's code: the initial weights
    joint: bool = False  # True: the flat bandit over complete prompts, as a contrast
    joint_candidates: Count = 1000  # drawn per round, about the number of arms: our choice


class PromptBandit:
    """The bandit as a proposer (see `search.Proposer`); its models stay on the CPU.

    The networks are so small that launching their kernels would dominate on a GPU.
    """

    width = 1

    def __init__(self, problem: TuningProblem, options: BanditOptions):
        self.options, self.arms = options, problem.require_arms()
        self.initial, slots = initial_choice(problem), problem.prompt_segments
        _require_segments(self.initial.prompts, self.arms, slots)
        rows = len(self.arms)
        self.space = _arm_space(problem, options)
        _, weights, rounds = problem.streams(3)  # the first belongs to the search
        self.seeds = children(rounds, rows)  # per row; each has a child per round
        generators = [torch_generator(seeds) for seeds in children(weights, rows)]
        inputs, per_row = self.space.inputs, self.space.networks
        self.start = RewardModels.fresh(inputs, generators, per_row)
        self.models = self.start
        settings = ExplorationSettings(
            options.episodes,
            options.exploration_scale,
            options.regulariser,
            *self.start.weights.shape,
        )
        self.explorer = EXPLORERS[options.exploration](settings)
        self.rounds = 0
        self.played = torch.full((rows, options.episodes, slots), -1)  # arms; -1: none
        self.returns = np.full((rows, options.episodes), np.nan)

    def propose(self, count: int) -> Segments:
        assert count == self.width
        generators = self._generators()
        menu = self.space.menu(self._past(), generators)
        picks = self.explorer.pick(self.models, menu, self.rounds, generators)
        arms = menu.picked_arms(picks, len(self.arms))
        self.played[:, self.rounds] = arms
        return self._prompts(arms).map(lambda part: part.unsqueeze(1))

    def learn(self, returns: np.ndarray) -> None:
        last = self.played[:, self.rounds : self.rounds + 1]
        self.explorer.learn(self.models, self.space.features(last).squeeze(1))
        self.returns[:, self.rounds] = returns[:, 0]
        self.rounds += 1
        if self.rounds >= MIN_OBSERVATIONS:
            self._refit()

    def choice(self) -> Choice:
        """Return the best arm of every slot; the value is the slots' mean prediction."""
        if self.rounds < MIN_OBSERVATIONS:
            return self.initial
        rows = len(self.arms)
        menu = self.space.menu(self._past(), self._generators())
        predicted = self.models.predict(menu.features)  # (G, N)
        picks = menu.best(predicted)
        values = predicted[torch.arange(len(picks)), picks].view(rows, -1).mean(dim=1)
        mean, deviation = self._scale()
        believed = mean + deviation * values.double().numpy()
        return Choice(self._prompts(menu.picked_arms(picks, rows)), believed)

    def state(self) -> dict[str, Any]:
        return {
            "rounds": self.rounds,
            "played": self.played,
            "returns": self.returns,
            "weights": self.models.weights,
            "explorer": self.explorer.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self.rounds = state["rounds"]
        self.played.copy_(torch.from_numpy(state["played"]))
        self.returns[:] = state["returns"]
        self.models = self.start.with_weights(torch.from_numpy(state["weights"]))
        self.explorer.restore(state["explorer"])

    def _refit(self) -> None:
        """Refit all models to all rounds so far."""
        mean, deviation = self._scale()
        past = self.returns[:, : self.rounds]
        target = torch.from_numpy((past - mean[:, None]) / deviation[:, None]).float()
        target = target.repeat_interleave(self.space.networks, dim=0)  # (G, n)
        start = self.models if self.options.warm_start else self.start
        settings = RefitSettings(steps=self.options.refit_steps)
        observed = self.space.features(self._past())
        self.models = refit(start, observed, target, settings)

    def _scale(self) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and deviation (R,) that standardise the returns: our choice."""
        past = self.returns[:, : self.rounds]
        deviation = past.std(axis=1)
        return past.mean(axis=1), np.where(deviation > MIN_DEVIATION, deviation, 1.0)

    def _past(self) -> Tensor:
        """Return the arms (R, n, J) of the finished rounds."""
        return self.played[:, : self.rounds]

    def _generators(self) -> list[torch.Generator]:
        """Return this round's generator of each row, seeded by the round number."""
        return [torch_generator(child(seeds, self.rounds)) for seeds in self.seeds]

    def _prompts(self, arms: Tensor) -> Segments:
        """Join the segments of arms (R, J) to prompts (R, J * H, ..)."""
        chosen = [
            row_arms.select(indices.to(row_arms.mask.device)).join()
            for row_arms, indices in zip(self.arms, arms, strict=True)
        ]
        return Segments(*(torch.stack(parts) for parts in zip(*chosen, strict=True)))


def _require_segments(prompts: Segments, arms: list[Segments], slots: int) -> None:
    """Raise TrajpromptError unless prompts are ``slots`` segments of the arms' length."""
    length = arms[0].length
    if prompts.length != slots * length:
        found = f"found {slots} segments of {length} steps"
        expected = f"{prompts.length} steps in all segments, the length of the prompt"
        remedy = "give arms of the length of the prompt's segments"
        raise TrajpromptError("arms", found, expected, remedy)


def _arm_space(problem: TuningProblem, options: BanditOptions) -> ArmSpace:
    kinds, slots = (options.features, options.normalised), problem.prompt_segments
    features = arm_features(problem.require_arms(), problem.backbone, *kinds)
    if options.joint:
        return JointSpace(features, slots, options.joint_candidates)
    return SlotSpace(features, slots)


@register("prompt-bandit", BanditOptions, moves_prompts=True, reads_arms=True)
def tune(problem: TuningProblem, options: BanditOptions) -> Adaptation:
    bandit = PromptBandit(problem, options)
    adaptation = search(problem, options, bandit)
    text = "played, by their order in the demonstrations; (rows, episodes, slots)"
    arms = Extra(bandit.played.numpy(), "index", text)
    return dataclasses.replace(adaptation, extras={**adaptation.extras, "arms": arms})
