"""Sweep over options: paired gains on fresh episodes, and what they cost."""

from types import SimpleNamespace

import numpy as np
import pytest

from trajprompt.adaptations.adaptation import Adaptation, Extra, HistoryRow
from trajprompt.errors import TrajpromptError
from trajprompt.tuning import sweep
from trajprompt.tuning.finetuning import FinetuneOptions
from trajprompt.tuning.methods.prompt_diffuser import DiffuserOptions
from trajprompt.tuning.methods.ptdt_offline import OfflineOptions
from trajprompt.tuning.methods.ptdt_online import OnlineOptions
from trajprompt.tuning.protocol import Method


def entry(row: int, displacement: float) -> HistoryRow:
    iteration = int(displacement > 0)
    return HistoryRow(row, prompt=0, iteration=iteration, displacement=displacement)


def fake_tune(problem, options):
    """Return "prompts" that are their returns."""
    rows = np.arange(2)
    gain = options.step_size - options.smoothing
    history = [entry(row, d) for d in (0.0, gain) for row in rows]
    played = {"episode_returns": Extra(np.zeros((2, 7)), "reward", "of a fake")}
    return Adaptation(rows + gain, rows, 0 * rows, history, extras=played)  # type: ignore[arg-type]


@pytest.fixture
def problem(monkeypatch) -> SimpleNamespace:
    def returns(problem, policies, episodes, resets):
        return np.array([prompts for prompts, _ in policies])

    monkeypatch.setattr(sweep, "fresh_returns", returns)
    monkeypatch.setattr(sweep, "action_change", lambda problem, adaptation: np.ones(2))
    rows = np.arange(2)
    suite = SimpleNamespace(deterministic_resets=False)
    return SimpleNamespace(rows=rows, suite=suite, require_prompts=lambda: rows)


def trials(problem, sizes, tune=fake_tune):
    grid = [{"step_size": eta, "smoothing": 0.5} for eta in sizes]
    candidates = [(choice, OfflineOptions(**choice)) for choice in grid]
    method = Method("fake", OfflineOptions, tune)
    return sweep.sweep(problem, method, candidates, 4, (0, 0))


def test_gains_are_paired_by_row(problem):
    found = trials(problem, (1.0, 3.0))
    assert [trial.gains.tolist() for trial in found] == [[0.5, 0.5], [2.5, 2.5]]
    rows = list(sweep.rows_of(found, (4, 9), (0, 0)))
    assert [(row["setting"], row["step_size"], row["task"]) for row in rows] == [
        (0, 1.0, 4), (0, 1.0, 9), (1, 3.0, 4), (1, 3.0, 9),
    ]  # fmt: skip
    last = rows[-1]
    assert (last["initial"], last["tuned"], last["gain"]) == (1.0, 3.5, 2.5)
    assert (last["evaluation_episodes"], last["tuning_episodes"]) == (4, 7)
    assert last["displacement"] == 2.5 and last["action_change"] == 1


def test_the_sweep_continues_after_a_diverged_trial(problem, capsys):
    def tune(problem, options):
        if options.step_size == 3.0:
            raise TrajpromptError("fake", "a loss that is not finite")
        return fake_tune(problem, options)

    failed, found = trials(problem, (3.0, 2.0), tune)
    assert np.isnan(failed.gains).all() and np.isnan(failed.action_change).all()
    assert failed.initial.tolist() == [0, 1] and found.gains.tolist() == [1.5, 1.5]
    assert len(list(sweep.rows_of([failed, found], (4, 9), (0, 0)))) == 4
    assert "not finite" in capsys.readouterr().err


def test_equal_resets_are_played_once(problem):
    problem.suite.deterministic_resets = True
    assert trials(problem, (1.0,))[0].evaluation_episodes == 1


@pytest.mark.parametrize(
    ("options", "contexts"),
    [
        (FinetuneOptions(iterations=3, steps_per_iteration=5, batch=4), 60),
        (DiffuserOptions(iterations=2, steps_per_iteration=3, contexts=8, chains=4), 48),
        (OnlineOptions(), 0),
    ],
)
def test_contexts_are_those_of_the_loss(options, contexts):
    assert sweep.contexts_read(options) == contexts


def test_prompts_are_played_together_and_tuned_weights_by_row(monkeypatch):
    """In the fake play, a return is the prompt plus the backbone's name."""
    suite = SimpleNamespace(name="cheetah-vel", deterministic_resets=False)
    backbone = SimpleNamespace(
        name=-1, with_weights=lambda weights: SimpleNamespace(name=weights)
    )
    problem = SimpleNamespace(
        suite=suite, rows=np.array([3, 5]), target_return=0.0, precision="fp32",
        engine="torch", threads=1, backbone=backbone,
    )  # fmt: skip
    calls = []

    def play(settings, backbone, plays, seeds):
        calls.append(len(plays))
        for one in plays:
            assert len(seeds[one.task]) == one.episodes == 2
            one.returns += [float(backbone.name + one.prompt)] * one.episodes

    monkeypatch.setattr(sweep, "play", play)

    def prompts(*values):
        return SimpleNamespace(select=lambda row: values[row])

    policies = [
        (prompts(0, 10), None),
        (prompts(0, 10), {0: 7, 1: 9}),
        (prompts(2, 3), None),
    ]
    found = sweep.fresh_returns(problem, policies, 2, (0, 0))
    assert found.tolist() == [[-1, 9], [7, 19], [1, 2]]
    assert calls == [1, 1, 4]
