"""The budget of episodes, its records and its resets, in every search method."""

import dataclasses
import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from support.fake_oracle import STEPS, bowl, fake
from support.tuning_problem import PROMPT, ROWS, segments
from trajprompt.errors import TrajpromptError
from trajprompt.settings.options import parse_options
from trajprompt.tasks.registry import get_suite
from trajprompt.tuning import oracle
from trajprompt.tuning.oracle import ReturnOracle
from trajprompt.tuning.prompt_vectors import to_prompts, to_vectors
from trajprompt.tuning.registry import get_method
from trajprompt.tuning.search.loop import Choice, SearchOptions, initial_choice, search

METHODS = {  # name -> options that set the number of candidates per round, and this number
    "random-segments": ({"candidates": 4}, 4),
    "best-of-n": ({"candidates": 4}, 4),
    "gaussian-search": ({"candidates": 4}, 4),
    "hill-climbing": ({}, 1),
    "cma-es": ({"population": 8}, 8),
    "two-point": ({"pairs": 3}, 6),
    "zo-rank-search": ({"candidates": 4, "ranked": 2}, 4),
    "zo-rank-line-search": ({"candidates": 4, "ranked": 2}, 4),
    "prompt-bandit": ({"refit_steps": 2}, 1),
}
each = pytest.mark.parametrize("name", METHODS)


def run(name: str, problem: Any, **more: Any):
    method = get_method(name)
    return method.tune(problem, method.options(**{**METHODS[name][0], **more}))


@each
@pytest.mark.parametrize("episodes", [1, 23, 24])
def test_every_method_plays_exactly_its_episodes(name, episodes, problem, monkeypatch):
    played = fake(monkeypatch, bowl(problem))
    adaptation = run(name, problem, episodes=episodes, records=3)
    width = METHODS[name][1]
    counts = [found.shape[1] for found in played.returns]
    assert len(counts) == math.ceil(episodes / width)
    assert counts[:-1] == [width] * (len(counts) - 1) and sum(counts) == episodes
    last = adaptation.history[-ROWS:]
    assert {entry.queries for entry in last} == {episodes}
    assert {entry.simulator_steps for entry in last} == {episodes * STEPS}
    assert {entry.gradient_steps for entry in last} == {0}
    returns = adaptation.extras["episode_returns"].values
    np.testing.assert_array_equal(returns, np.concatenate(played.returns, axis=1))


@pytest.mark.parametrize("name", sorted(set(METHODS) - {"prompt-bandit"}))
def test_episodes_per_candidate_count_in_the_budget(name, problem, monkeypatch):
    fake_oracle = fake(monkeypatch, bowl(problem))
    once = run(name, problem, episodes=24, records=2)
    alone = [found.copy() for found in fake_oracle.returns]
    fake_oracle = fake(monkeypatch, bowl(problem))
    thrice = run(name, problem, episodes=72, records=2, episodes_per_candidate=3)
    assert fake_oracle.episodes == 3
    # Without noise the mean of three episodes is the return of one.
    for found, expected in zip(fake_oracle.returns, alone, strict=True):
        np.testing.assert_array_equal(found, expected)
    for few, many in zip(once.last, thrice.last, strict=True):
        assert torch.equal(few, many)
    assert [e.queries for e in thrice.history] == [3 * e.queries for e in once.history]
    assert {e.simulator_steps for e in thrice.history[-ROWS:]} == {72 * STEPS}
    returns = thrice.extras["episode_returns"].values
    np.testing.assert_array_equal(returns, np.concatenate(alone, axis=1).repeat(3, axis=1))


def test_several_episodes_of_a_candidate_are_played_in_one_rollout(problem, played):
    run("gaussian-search", problem, episodes=24, records=1, episodes_per_candidate=3)
    assert [len(seeds) for seeds, _, _ in played] == [ROWS * 4 * 3] * 2
    seeds = played[0][0].reshape(ROWS, 4, 3)
    assert (seeds == seeds[:, :1]).all(), "candidates of a row share their resets"
    assert len(set(seeds[:, 0].flatten().tolist())) == 3 * ROWS


def test_equal_resets_leave_one_episode_per_candidate(problem, played):
    reach = dataclasses.replace(problem, suite=get_suite("reach"))
    made = run("gaussian-search", reach, episodes=9, records=1, episodes_per_candidate=3)
    assert [len(seeds) for seeds, _, _ in played] == [ROWS * 4, ROWS * 4, ROWS]
    assert made.history[-1].queries == 9


@each
def test_the_first_choice_is_the_initial_prompt(name, problem, monkeypatch):
    fake(monkeypatch, bowl(problem))
    adaptation = run(name, problem, episodes=12, records=2)
    first = to_vectors(adaptation.curve[0])
    torch.testing.assert_close(first, to_vectors(problem.initial_prompts))
    assert [entry.displacement for entry in adaptation.history[:ROWS]] == [0.0] * ROWS
    believed = adaptation.extras["selection_values"].values
    assert believed.shape == (ROWS, 3) and np.isnan(believed[:, 0]).all()
    objective = np.array([entry.objective for entry in adaptation.history])
    np.testing.assert_array_equal(-objective.reshape(3, ROWS).T, believed)
    assert adaptation.best is adaptation.last
    assert adaptation.best_iteration.tolist() == [2] * ROWS


class Numbered:
    """Proposer of numbered prompts: every value of a prompt is the candidate's number."""

    def __init__(self, problem, width: int):
        self.width, self.problem, self.count = width, problem, 0

    def propose(self, count):
        numbers = torch.arange(self.count, self.count + count).float() + 1
        self.count += count
        rows, size = to_vectors(self.problem.initial_prompts).shape
        vectors = numbers[None, :, None].expand(rows, count, size)
        return to_prompts(vectors, self.problem.initial_prompts)

    def learn(self, returns):
        pass

    def choice(self):
        start, values = initial_choice(self.problem)
        return Choice(start._replace(states=start.states * 0 + self.count), values)

    def state(self):
        return {}

    def restore(self, state):
        pass


@pytest.mark.parametrize(
    ("width", "records", "expected"),
    [
        (1, 4, [0, 5, 10, 15, 20]),
        (1, 3, [0, 7, 14, 20]),  # as soon as a third has been played
        (7, 4, [0, 7, 14, 20, 20]),  # after the round in which it is due
        (20, 2, [0, 20, 20]),
        (1000, 1, [0, 20]),
        (10, 30, [0, *[10] * 15, *[20] * 15]),
    ],
)
def test_records_are_evenly_spread(problem, monkeypatch, width, records, expected):
    fake(monkeypatch, bowl(problem))
    options = SearchOptions(episodes=20, records=records)
    adaptation = search(problem, options, Numbered(problem, width))
    queries = [entry.queries for entry in adaptation.history[::ROWS]]
    assert queries == expected
    chosen = [int(adaptation.curve[i].states[0, 0, 0]) for i in range(1, records + 1)]
    assert chosen == expected[1:]
    assert [entry.iteration for entry in adaptation.history[::ROWS]] == [
        *range(records + 1)
    ]


@pytest.fixture
def played(monkeypatch):
    """Replace policy, simulator and rollout; log each rollout's seeds, tasks, prompts."""
    log: list[tuple[np.ndarray, ...]] = []

    def rollout(tasks, prompts, seeds):
        log.append((seeds, tasks, to_vectors(prompts).numpy()))
        return SimpleNamespace(returns=seeds.astype(float), lengths=np.arange(len(seeds)))

    monkeypatch.setattr(oracle, "LockstepPolicy", lambda backbone, prompts, **_: prompts)
    monkeypatch.setattr(oracle, "rollout", rollout)
    monkeypatch.setattr(oracle, "make_simulator", lambda suite, tasks, threads: tasks)
    return log


def test_candidates_of_a_row_share_fresh_odd_resets(problem, played):
    search(problem, SearchOptions(episodes=11), Numbered(problem, 4))
    rounds = [seeds.reshape(ROWS, -1) for seeds, _, _ in played]
    assert [seeds.shape[1] for seeds in rounds] == [4, 4, 3]
    for seeds in rounds:
        assert (seeds == seeds[:, :1]).all()
        assert (seeds % 2 == 1).all(), "evaluation's are even"
    first = np.concatenate([seeds[:, 0] for seeds in rounds])
    assert len(set(first.tolist())) == 3 * ROWS, "different for every row and round"
    tasks = [tasks.reshape(ROWS, -1) for _, tasks, _ in played]
    assert all((one == problem.rows[:, None]).all() for one in tasks)


def test_the_oracle_averages_over_episodes_and_sums_steps(problem, played):
    two_episodes = ReturnOracle(problem, episodes=2)
    prompts = segments(ROWS, 3, length=PROMPT, seed=5)
    seeds = np.arange(ROWS * 3 * 2).reshape(ROWS, 3, 2)
    found = two_episodes(prompts, seeds)
    np.testing.assert_array_equal(found.returns, seeds.mean(axis=2))
    np.testing.assert_array_equal(found.steps, seeds.sum(axis=2))
    expected = to_vectors(prompts).repeat_interleave(2, dim=1).flatten(0, 1).numpy()
    np.testing.assert_array_equal(played[0][2], expected)


def test_deterministic_resets_need_one_episode(problem):
    reach = dataclasses.replace(problem, suite=get_suite("reach"))
    assert ReturnOracle(reach, episodes=5).episodes == 1
    assert ReturnOracle(problem, episodes=5).episodes == 5


def test_a_return_that_is_not_finite_is_an_error(problem, played, monkeypatch):
    plain = oracle.rollout

    def broken(*args):
        result = plain(*args)
        result.returns[3] = np.nan
        return result

    monkeypatch.setattr(oracle, "rollout", broken)
    with pytest.raises(
        TrajpromptError, match="cheetah-vel episode.*NaN or infinite return"
    ):
        search(problem, SearchOptions(episodes=4), Numbered(problem, 4))


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("hill-climbing", {"episodes": 0}, "episodes.*0.*at least 1"),
        ("best-of-n", {"records": 0}, "records.*0.*at least 1"),
        ("gaussian-search", {"smoothing": 0}, "smoothing.*more than 0"),
        ("cma-es", {"population": 5}, "population.*5.*at least 6"),
        ("two-point", {"pairs": 0}, "pairs.*at least 1"),
        (
            "zo-rank-search",
            {"episodes": 10, "episodes_per_candidate": 3},
            "episodes.*10.*a multiple of episodes_per_candidate, 3",
        ),
        ("prompt-bandit", {"episodes_per_candidate": 2}, "found an unknown key"),
        (
            "zo-rank-search",
            {"ranked": 16},
            "ranked.*16.*at most 15, the value of candidates",
        ),
        ("zo-rank-line-search", {"candidates": 2, "ranked": 2}, "candidates.*at least 3"),
        ("random-segments", {"smoothing": 0.1}, "smoothing: found an unknown key"),
    ],
)
def test_bad_options_are_named(name, values, message):
    with pytest.raises(TrajpromptError, match=message):
        parse_options(get_method(name).options, values, "config")
