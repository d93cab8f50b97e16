"""The sweep of step size and smoothing: paired gains, training tasks only."""

import csv
import dataclasses
import io
from types import SimpleNamespace

import numpy as np
import pytest

from trajprompt import calibrate
from trajprompt.errors import TrajpromptError
from trajprompt.settings import TuneSettings, to_json
from trajprompt.tuning import sweep
from trajprompt.tuning.protocol import Adaptation, Method
from trajprompt.tuning.ptdt_offline import OfflineOptions


def entry(objective: float, displacement: float) -> dict:
    return {"objective": objective, "displacement": displacement, "simulator_steps": 5}


def fake_tune(problem, options):
    """The "prompt" is its own return: eta - 1 above the start, half of it for the best."""
    rows = np.arange(2)
    gain = options.step_size - options.smoothing
    history = [entry(1.0, 0.0)] * 2 + [entry(0.5, gain)] * 2
    return Adaptation(rows + gain, rows + gain / 2, rows, history)  # type: ignore[arg-type]


@pytest.fixture
def problem(monkeypatch) -> SimpleNamespace:
    monkeypatch.setattr(sweep, "_returns", lambda problem, prompts, *_: np.asarray(prompts))
    rows = np.arange(2)
    return SimpleNamespace(rows=rows, require_prompts=lambda: rows)


def test_gains_are_paired_and_the_largest_wins(problem):
    grid = [(1.0, 0.5), (3.0, 0.5), (2.0, 0.5)]
    method = Method("fake", OfflineOptions, fake_tune)
    trials = list(sweep.sweep(problem, method, OfflineOptions(), grid, 4, (0, 0)))
    assert [trial.gain for trial in trials] == [0.5, 2.5, 1.5]
    assert trials[1].gain_error == 0.0 and trials[1].best_gain == 1.25
    assert trials[1].objective_fall == 0.5 and trials[1].simulator_steps == 10
    assert sweep.best(trials) is trials[1]
    table = list(csv.DictReader(io.StringIO(sweep.to_csv(trials))))
    assert [float(row["gain"]) for row in table] == [0.5, 2.5, 1.5]
    assert len(sweep.line(trials[0])) == len(sweep.header())


def settings(**changes) -> TuneSettings:
    values = {field.name: 0 for field in dataclasses.fields(TuneSettings)}
    values |= {"suite": "cheetah-vel", "setting": "expert", "method": "m", "options": {}}
    return TuneSettings(**{**values, "kind": "ptdt-offline", **changes})


def run(own: TuneSettings, *extra: str) -> None:
    names = ["--suite", own.suite, "--setting", "expert", "--method", "m", "--seed", "0"]
    files = ["--data", "d.h5", "--backbone-file", "b.safetensors", "--out", "o.csv"]
    calibrate.main([*names, *files, "--settings", to_json(own), *extra])


def test_test_tasks_are_refused():
    with pytest.raises(TrajpromptError, match="task 7.*training tasks"):
        run(settings(), "--tasks", "0", "7")


def test_methods_without_a_step_size_are_refused():
    with pytest.raises(TrajpromptError, match="ranks prompts"):
        run(settings(kind="full-finetune"))


def test_default_tasks_are_spread():
    assert calibrate._spread(range(35), 4) == [0, 11, 23, 34]
    assert calibrate._spread((0, 1), 4) == [0, 1]
