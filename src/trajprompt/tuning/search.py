"""Search with a budget of episodes: a proposer names prompts, the oracle plays them.

The one loop of the bandit and of all controls that it is compared with, so that they are
equal in what an episode costs, in resets and in what is recorded.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch

from trajprompt.checkpoint import Resumable
from trajprompt.options import at_least, at_most
from trajprompt.trajectories.segments import Segments
from trajprompt.tuning.oracle import ReturnOracle
from trajprompt.tuning.prompt_vectors import to_vectors
from trajprompt.tuning.protocol import Adaptation, Extra, TuningProblem


@dataclass(frozen=True)
class SearchOptions:
    """The options that all of them share; methods add their own."""

    episodes: int = 250  # of each row, all that a method may play: the co-author's code
    records: int = 10  # how often the choice is kept on the way, evenly spread

    def __post_init__(self) -> None:
        at_least(self, 1, "episodes", "records")
        at_most(self, 1_000_000, "episodes")
        at_most(self, 1000, "records")


class Choice(NamedTuple):
    """What a method would hand back now."""

    prompts: Segments  # (R, P, ..)
    values: np.ndarray  # (R,) the return that it believes them to have; NaN: no belief


class Proposer(Resumable, Protocol):
    """A method that learns from returns alone."""

    width: int  # candidates per row and round; the last round may have fewer

    def propose(self, count: int) -> Segments:
        """``count`` candidates of every row, (R, count, P, ..)."""
        ...

    def learn(self, returns: np.ndarray) -> None:
        """Returns (R, count) of what was proposed last."""
        ...

    def choice(self) -> Choice:
        """By what it has learnt so far; at first the initial prompts."""
        ...


def search(
    problem: TuningProblem, options: SearchOptions, proposer: Proposer
) -> Adaptation:
    """All rows at once until each has played its episodes."""
    return _Search(problem, options, proposer).run()


class _Search:
    """One search in progress (a `checkpoint.Resumable`)."""

    def __init__(self, problem: TuningProblem, options: SearchOptions, proposer: Proposer):
        self.problem, self.options, self.proposer = problem, options, proposer
        self.oracle = ReturnOracle(problem)
        self.fresh = problem.streams(1)[0]  # a proposer takes its chance from later ones
        self.returns = np.full((len(problem.rows), options.episodes), np.nan)
        self.steps = np.zeros(len(problem.rows), np.int64)
        self.played = 0  # episodes of every row
        self.kept: dict[int, Choice] = {}  # record -> choice
        self.history: list[dict[str, Any]] = []

    def run(self) -> Adaptation:
        self._keep(0)
        rounds = math.ceil(self.options.episodes / self.proposer.width)
        label = f"{self.problem.suite.name} search"
        for number in self.problem.checkpoint.steps(rounds, self, label):
            self._round(number)
        last = self.options.records
        return Adaptation(
            last=self.kept[last].prompts,
            best=self.kept[last].prompts,  # a choice is the best that the method knows
            best_iteration=np.full(len(self.problem.rows), last, np.int64),
            history=self.history,
            curve={record: choice.prompts for record, choice in self.kept.items()},
            parameters=to_vectors(self.kept[last].prompts).shape[-1],
            extras=self._extras(),
        )

    def _round(self, number: int) -> None:
        count = min(self.proposer.width, self.options.episodes - self.played)
        key = (*self.fresh.spawn_key, number)
        chance = np.random.SeedSequence(self.fresh.entropy, spawn_key=key)
        prompts = self.proposer.propose(count)  # (R, C, P, ..)
        played = self.oracle(prompts, self.oracle.resets(chance))
        self.proposer.learn(played.returns)
        before, self.played = self.played, self.played + count
        self.returns[:, before : self.played] = played.returns
        self.steps += played.steps
        for record in range(1, self.options.records + 1):
            at = record * self.options.episodes / self.options.records
            if before < at <= self.played:
                self._keep(record)

    def _keep(self, record: int) -> None:
        """The choice after this many episodes, and what it took."""
        choice = self.proposer.choice()
        self.kept[record] = choice
        start = to_vectors(self.problem.require_prompts())
        moved = (to_vectors(choice.prompts) - start).norm(dim=-1)  # (R,)
        for row, task in enumerate(self.problem.rows.tolist()):
            values = {
                "task": task,
                "prompt": int(self.problem.prompts[row]),
                "iteration": record,
                "queries": self.played,
                "simulator_steps": int(self.steps[row]),
                "gradient_steps": 0,
                "objective": -float(choice.values[row]),
                "displacement": float(moved[row]),
            }
            self.history.append(values)

    def _extras(self) -> dict[str, Extra]:
        values = np.stack([self.kept[r].values for r in sorted(self.kept)], axis=1)
        text = "what the method believed its choice to earn, (R, records), at first nothing"
        played = "of every episode played, in order, (R, episodes)"
        return {
            "episode_returns": Extra(self.returns, "reward", played),
            "selection_values": Extra(values, "reward", text),
        }

    def state(self) -> dict[str, Any]:
        kept = {
            str(record): {"values": choice.values, **choice.prompts._asdict()}
            for record, choice in self.kept.items()
        }
        counts = {"returns": self.returns, "steps": self.steps, "played": self.played}
        own = {**counts, "kept": kept, "history": self.history}
        return {**own, "proposer": self.proposer.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.returns[:], self.steps[:] = state["returns"], state["steps"]
        self.played, self.history = state["played"], state["history"]
        device = self.problem.backbone.device
        self.kept = {}
        for record, saved in state["kept"].items():
            parts = [torch.from_numpy(saved[name]).to(device) for name in Segments._fields]
            self.kept[int(record)] = Choice(Segments(*parts), saved["values"])
        self.proposer.restore(state["proposer"])
