"""Sweep over options: paired gains on fresh episodes."""

import csv
import io
from types import SimpleNamespace

import numpy as np
import pytest

from trajprompt.adaptations.adaptation import Adaptation, HistoryRow
from trajprompt.errors import TrajpromptError
from trajprompt.tuning import sweep
from trajprompt.tuning.methods.ptdt_offline import OfflineOptions
from trajprompt.tuning.protocol import Method


def entry(row: int, objective: float, displacement: float) -> HistoryRow:
    values = {"objective": objective, "displacement": displacement, "simulator_steps": 5}
    return HistoryRow(row, prompt=0, iteration=int(displacement > 0), **values)


def fake_tune(problem, options):
    """Return "prompts" that are their returns; the best iterate has half of the gain."""
    rows = np.arange(2)
    gain = options.step_size - options.smoothing
    history = [entry(row, 1.0, 0.0) for row in rows] + [
        entry(row, 0.5, gain) for row in rows
    ]
    return Adaptation(rows + gain, rows + gain / 2, 0 * rows, history)  # type: ignore[arg-type]


@pytest.fixture
def problem(monkeypatch) -> SimpleNamespace:
    monkeypatch.setattr(
        sweep, "fresh_returns", lambda problem, prompts, *_: np.asarray(prompts)
    )
    rows = np.arange(2)
    return SimpleNamespace(rows=rows, require_prompts=lambda: rows)


def test_gains_are_paired_and_the_largest_wins(problem):
    grid = [{"step_size": eta, "smoothing": 0.5} for eta in (1.0, 3.0, 2.0)]
    candidates = [(choice, OfflineOptions(**choice)) for choice in grid]
    method = Method("fake", OfflineOptions, fake_tune)
    trials = list(sweep.sweep(problem, method, candidates, 4, (0, 0)))
    assert [trial.gain for trial in trials] == [0.5, 2.5, 1.5]
    assert trials[1].gain_error == 0.0 and trials[1].best_gain == 1.25
    assert trials[1].objective_fall == 0.5 and trials[1].simulator_steps == 10
    assert sweep.best(trials) is trials[1]
    table = list(csv.DictReader(io.StringIO(sweep.to_csv(trials))))
    assert [float(row["gain"]) for row in table] == [0.5, 2.5, 1.5]
    assert [row["step_size"] for row in table] == ["1.0", "3.0", "2.0"]
    assert len(sweep.line(trials[0])) == len(sweep.header(trials[0]))


def test_the_sweep_continues_after_a_diverged_trial(problem, capsys):
    def tune(problem, options):
        if options.step_size == 3.0:
            raise TrajpromptError("fake", "a loss that is not finite")
        return fake_tune(problem, options)

    candidates = [({"step_size": eta}, OfflineOptions(step_size=eta)) for eta in (3.0, 2.0)]
    method = Method("fake", OfflineOptions, tune)
    failed, found = sweep.sweep(problem, method, candidates, 4, (0, 0))
    assert np.isnan(failed.gain) and failed.initial_return == found.initial_return
    assert sweep.best([failed, found]) is found
    assert "not finite" in capsys.readouterr().err
    assert len(sweep.line(failed)) == len(sweep.header(found))


def test_falls_are_computed_by_row_in_any_order():
    """Ranking logs iteration by iteration, fine-tuning row by row."""
    history = [entry(0, np.nan, 0), entry(0, 3.0, 0), entry(0, 1.0, 0)]
    history += [entry(1, np.nan, 0), entry(1, 9.0, 0), entry(1, 5.0, 0)]
    assert sweep.objective_fall(history) == 3.0
    assert sweep.objective_fall(history[::3] + history[1::3] + history[2::3]) == 3.0
    assert np.isnan(sweep.objective_fall(history[:1]))


def test_tuned_weights_are_played_by_their_row(monkeypatch):
    """In the fake play, the return is the backbone's name."""
    prompts = SimpleNamespace(select=lambda row: None)
    suite = SimpleNamespace(name="cheetah-vel", deterministic_resets=False)
    backbone = SimpleNamespace(
        name=-1, with_weights=lambda weights: SimpleNamespace(name=weights)
    )
    problem = SimpleNamespace(
        suite=suite, rows=np.array([3, 5]), target_return=0.0, precision="fp32",
        engine="torch", threads=1, backbone=backbone,
    )  # fmt: skip

    def play(settings, backbone, plays, seeds):
        for one in plays:
            one.returns += [float(backbone.name)] * one.episodes

    monkeypatch.setattr(sweep, "play", play)
    assert sweep.fresh_returns(problem, prompts, 2, (0, 0)).tolist() == [-1, -1]
    tuned = sweep.fresh_returns(problem, prompts, 2, (0, 0), {0: 7, 1: 9})
    assert tuned.tolist() == [7, 9]
