"""Search with a budget of episodes: a proposer suggests prompts, the oracle plays them.

The bandit and all of its controls use this loop. They therefore count episodes, share
resets and record results in the same way.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple, Protocol

import numpy as np
import torch
from annotated_types import Interval

from trajprompt.adaptations.adaptation import (
    Adaptation,
    Extra,
    HistoryRow,
    restored_history,
    saved_history,
)
from trajprompt.artifacts.checkpoint import Resumable
from trajprompt.settings.options import OptionError, SmallCount, Strict
from trajprompt.trajectories.segments import Segments
from trajprompt.tuning.oracle import ReturnOracle
from trajprompt.tuning.prompt_vectors import to_vectors
from trajprompt.tuning.protocol import TuningProblem


@dataclass(frozen=True)
class SearchOptions(Strict):
    """Options that all searches share; methods add others."""

    # Budget of each row, with all episodes that a method plays: co-author's code.
    episodes: Annotated[int, Interval(ge=1, le=1_000_000)] = 250
    records: SmallCount = 10  # number of times that the choice is recorded, evenly spread


@dataclass(frozen=True)
class AveragedOptions(SearchOptions):
    """Options of searches that may average a candidate's return over several episodes."""

    # All candidates of a round play them from the same resets; all count in the budget.
    episodes_per_candidate: SmallCount = 1

    def __post_init__(self) -> None:
        if self.episodes % self.episodes_per_candidate:
            each = self.episodes_per_candidate
            expected = f"a multiple of episodes_per_candidate, {each}"
            raise OptionError("episodes", str(self.episodes), expected)


class Choice(NamedTuple):
    """The prompts that a method would return at this point."""

    prompts: Segments  # (R, P, ..)
    values: np.ndarray  # (R,) returns that the method expects of them; NaN if unknown

    def state(self) -> dict[str, Any]:
        """Return the state for a checkpoint."""
        return {"values": self.values, **self.prompts._asdict()}

    @classmethod
    def restored(cls, saved: Mapping[str, Any], device: torch.device) -> "Choice":
        """Restore a choice from its ``state`` in a checkpoint."""
        parts = [torch.from_numpy(saved[name]).to(device) for name in Segments._fields]
        return cls(Segments(*parts), saved["values"])


def initial_choice(problem: TuningProblem) -> Choice:
    """Return the initial prompts, with unknown returns."""
    return Choice(problem.require_prompts(), np.full(len(problem.rows), np.nan))


class Proposer(Resumable, Protocol):
    """Interface of a method that learns from returns alone.

    It may use all streams of ``problem.streams(n)`` except the first, which belongs to the
    loop. It must not change a returned `Choice` in place.
    """

    width: int  # candidates per row and round; the last round may have fewer

    def propose(self, count: int) -> Segments:
        """Return ``count`` candidates of every row, (R, count, P, ..)."""
        ...

    def learn(self, returns: np.ndarray) -> None:
        """Learn from the returns (R, count) of the last candidates."""
        ...

    def choice(self) -> Choice:
        """Return the present choice; at first the initial prompts."""
        ...


def search(
    problem: TuningProblem, options: SearchOptions, proposer: Proposer
) -> Adaptation:
    """Search in all rows at once until the budget is used; ``last`` is the last choice."""
    return _Search(problem, options, proposer).run()


class _Search:
    """One search in progress (a `checkpoint.Resumable`)."""

    def __init__(self, problem: TuningProblem, options: SearchOptions, proposer: Proposer):
        self.problem, self.options, self.proposer = problem, options, proposer
        self.start = to_vectors(problem.require_prompts())  # (R, d)
        each = 1
        if isinstance(options, AveragedOptions):
            each = options.episodes_per_candidate
        self.oracle = ReturnOracle(problem, each)
        self.reset_stream = problem.streams(1)[0]
        self.returns = np.full((len(problem.rows), options.episodes), np.nan)
        self.steps = np.zeros(len(problem.rows), np.int64)
        self.played = 0  # episodes per row
        self.kept: dict[int, Choice] = {}  # record -> choice
        self.history: list[HistoryRow] = []

    def run(self) -> Adaptation:
        self._keep(0)
        each = self.proposer.width * self.oracle.episodes
        rounds = math.ceil(self.options.episodes / each)
        label = f"{self.problem.suite.name} search"
        for number in self.problem.checkpoint.steps(rounds, self, label):
            self._round(number)
        last = self.options.records
        return Adaptation(
            last=self.kept[last].prompts,
            best=self.kept[last].prompts,  # a choice is the best that the method found
            best_iteration=np.full(len(self.problem.rows), last, np.int64),
            history=self.history,
            curve={record: choice.prompts for record, choice in self.kept.items()},
            parameters=self.start.shape[-1],
            extras=self._extras(),
        )

    def _round(self, number: int) -> None:
        """Play the next candidates of all rows; candidates of a row share their resets."""
        each = self.oracle.episodes
        count = min(self.proposer.width, (self.options.episodes - self.played) // each)
        resets = self.oracle.fresh_resets(self.reset_stream, number)
        played = self.oracle(self.proposer.propose(count), resets)
        self.proposer.learn(played.returns)
        before, self.played = self.played, self.played + count * each
        self.returns[:, before : self.played] = played.returns.repeat(each, axis=1)
        self.steps += played.steps.sum(axis=1)
        for record in range(1, self.options.records + 1):
            due = record * self.options.episodes / self.options.records
            if before < due <= self.played:
                self._keep(record)

    def _keep(self, record: int) -> None:
        """Record the present choice and the budget used so far."""
        choice = self.proposer.choice()
        self.kept[record] = choice
        moved = (to_vectors(choice.prompts) - self.start).norm(dim=-1)  # (R,)
        for row, task in enumerate(self.problem.rows.tolist()):
            values = HistoryRow(
                task=task,
                prompt=int(self.problem.prompts[row]),
                iteration=record,
                queries=self.played,
                simulator_steps=int(self.steps[row]),
                # Not negated: a NaN would have other bits after a checkpoint.
                objective=0.0 - float(choice.values[row]),
                displacement=float(moved[row]),
            )
            self.history.append(values)

    def _extras(self) -> dict[str, Extra]:
        believed = [choice.values for _, choice in sorted(self.kept.items())]
        played = "of every episode played, in order; where a candidate has several at "
        played += "once, each is their mean; (rows, episodes)"
        text = "what the choice of every record was believed to earn; (rows, records + 1)"
        return {
            "episode_returns": Extra(self.returns, "reward", played),
            "selection_values": Extra(np.stack(believed, axis=1), "reward", text),
        }

    def state(self) -> dict[str, Any]:
        return {
            "returns": self.returns,
            "steps": self.steps,
            "played": self.played,
            "kept": {str(record): choice.state() for record, choice in self.kept.items()},
            "history": saved_history(self.history),
            "proposer": self.proposer.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self.returns, self.steps = state["returns"], state["steps"]
        self.played = state["played"]
        self.history = restored_history(state["history"])
        device = self.problem.backbone.device
        self.kept = {
            int(record): Choice.restored(saved, device)
            for record, saved in state["kept"].items()
        }
        self.proposer.restore(state["proposer"])
