"""Prompt-Tuning Bandits (arXiv 2502.06358, 2502.04979): segments picked slot by slot.

A prompt has J slots; a slot's arms are all windows of H steps of the demonstrations. One
reward model per slot learns the return of an episode from the segment in its slot alone,
so that a prompt is found among J times A arms instead of A^J prompts. Where the paper is
silent this follows the co-author's code; docs/deviations.md says what is reconstruction.
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
from trajprompt.tuning.bandit.exploration import EXPLORERS, Exploring
from trajprompt.tuning.bandit.features import arm_features
from trajprompt.tuning.bandit.reward_models import RewardModels
from trajprompt.tuning.bandit.reward_refit import RefitSettings, refit
from trajprompt.tuning.bandit.spaces import ArmSpace, JointSpace, SlotSpace
from trajprompt.tuning.protocol import TuningProblem, register
from trajprompt.tuning.search.loop import Candidate, SearchOptions, search, untuned

FEWEST = 2  # observations that the first fit takes: co-author's code
SAME = 1e-6  # returns that deviate by less are equal, and are not divided by it


@dataclass(frozen=True)
class BanditOptions(SearchOptions):
    # The paper's headline variant.
    exploration: Literal["thompson", "ucb", "epsilon-greedy"] = "thompson"
    # gamma of UCB, nu of Thompson sampling; 0.1 or 1: reconstruction.
    exploration_scale: Positive = 0.1
    # lambda: our choice. A gradient is spread over thousands of weights, so that with 1 the
    # widths hardly shrink in 250 rounds; NeuralTS's public scripts have 0.1.
    regulariser: Positive = 0.01
    # The paper: raw and backbone (Psi) do equally well.
    features: Literal["raw", "backbone"] = "raw"
    normalised: bool = True  # False: as in the co-author's code, likely a slip there
    refit_steps: Count = 1000  # of every round: co-author's code
    warm_start: bool = False  # from the last weights; co-author's code: the initial ones
    joint: bool = False  # the flat bandit over whole prompts, as a contrast
    joint_candidates: Count = 1000  # prompts drawn per round; as many as arms, about: ours


class PromptBandit:
    """The proposer (see `search.Proposer`); models and features stay on the CPU.

    The networks are so small that a GPU would spend its time on being started.
    """

    width = 1

    def __init__(self, problem: TuningProblem, options: BanditOptions):
        self.options, self.arms = options, problem.require_arms()
        self.initial, slots = untuned(problem), problem.prompt_segments
        _require_whole(self.initial.prompts, self.arms, slots)
        rows = len(self.arms)
        self.space = _arm_space(problem, options)
        _, weights, rounds = problem.streams(3)  # the first is the search's
        self.seeds = children(rounds, rows)  # each row's, by round
        drawn = [torch_generator(own) for own in children(weights, rows)]
        each = self.space.networks
        self.start = RewardModels.fresh(self.space.inputs, drawn, each)
        self.models = self.start
        exploring = Exploring(
            options.episodes,
            options.exploration_scale,
            options.regulariser,
            *self.start.weights.shape,
        )
        self.explorer = EXPLORERS[options.exploration](exploring)
        self.rounds = 0
        self.played = torch.full((rows, options.episodes, slots), -1)  # arms
        self.returns = np.full((rows, options.episodes), np.nan)

    def propose(self, count: int) -> Segments:
        assert count == self.width
        generators = self._generators()
        menu = self.space.menu(self._past(), generators)
        picks = self.explorer.pick(self.models, menu, self.rounds, generators)
        arms = menu.of(picks, len(self.arms))
        self.played[:, self.rounds] = arms
        return self._prompts(arms).map(lambda part: part.unsqueeze(1))

    def learn(self, returns: np.ndarray) -> None:
        last = self.played[:, self.rounds : self.rounds + 1]
        self.explorer.learn(self.models, self.space.features(last).squeeze(1))
        self.returns[:, self.rounds] = returns[:, 0]
        self.rounds += 1
        if self.rounds >= FEWEST:
            self._refit()

    def choice(self) -> Candidate:
        """The best of every slot by its model; the value is the mean of what they say."""
        if self.rounds < FEWEST:
            return self.initial
        rows = len(self.arms)
        menu = self.space.menu(self._past(), self._generators())
        predicted = self.models.predict(menu.features)  # (G, N)
        picks = menu.best(predicted)
        values = predicted[torch.arange(len(picks)), picks].view(rows, -1).mean(dim=1)
        mean, deviation = self._scale()
        believed = mean + deviation * values.double().numpy()
        return Candidate(self._prompts(menu.of(picks, rows)), believed)

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
        """All models to all that was played so far."""
        mean, deviation = self._scale()
        past = self.returns[:, : self.rounds]
        target = torch.from_numpy((past - mean[:, None]) / deviation[:, None]).float()
        target = target.repeat_interleave(self.space.networks, dim=0)  # (G, n)
        start = self.models if self.options.warm_start else self.start
        settings = RefitSettings(steps=self.options.refit_steps)
        observed = self.space.features(self._past())
        self.models = refit(start, observed, target, settings)

    def _scale(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and deviation (R,) of the returns so far, by which models see them: ours."""
        past = self.returns[:, : self.rounds]
        deviation = past.std(axis=1)
        return past.mean(axis=1), np.where(deviation > SAME, deviation, 1.0)

    def _past(self) -> Tensor:
        """Arms (R, n, J) of the rounds that are done."""
        return self.played[:, : self.rounds]

    def _generators(self) -> list[torch.Generator]:
        """This round's generator of each row; it depends on the round's number alone."""
        return [torch_generator(child(own, self.rounds)) for own in self.seeds]

    def _prompts(self, arms: Tensor) -> Segments:
        """(R, J) to prompts (R, J * H, ..), segments one after the other."""
        chosen = [
            own.select(numbers.to(own.mask.device)).join()
            for own, numbers in zip(self.arms, arms, strict=True)
        ]
        return Segments(*(torch.stack(parts) for parts in zip(*chosen, strict=True)))


def _require_whole(prompts: Segments, arms: list[Segments], slots: int) -> None:
    """Raise unless prompts are ``slots`` segments of the arms' length."""
    length = arms[0].length
    if prompts.length != slots * length:
        found = f"{slots} segments of {length} steps"
        raise TrajpromptError("arms", found, f"the prompt's {prompts.length} steps")


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
