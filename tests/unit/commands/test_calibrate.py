"""The sweep of a method's options: paired gains, training tasks only."""

import csv
import dataclasses
import io
from types import SimpleNamespace

import numpy as np
import pytest

from trajprompt.adaptations.adaptation import Adaptation
from trajprompt.commands import calibrate
from trajprompt.errors import TrajpromptError
from trajprompt.settings.stages import TuneSettings, to_json
from trajprompt.tuning import sweep
from trajprompt.tuning.methods.ptdt_offline import OfflineOptions
from trajprompt.tuning.protocol import Method
from trajprompt.tuning.registry import get_method


def entry(row: int, objective: float, displacement: float) -> dict:
    values = {"objective": objective, "displacement": displacement, "simulator_steps": 5}
    return {"task": row, "prompt": 0, "iteration": int(displacement > 0), **values}


def fake_tune(problem, options):
    """The "prompt" is its own return: eta - 1 above the start, half of it for the best."""
    rows = np.arange(2)
    gain = options.step_size - options.smoothing
    history = [entry(row, 1.0, 0.0) for row in rows] + [
        entry(row, 0.5, gain) for row in rows
    ]
    return Adaptation(rows + gain, rows + gain / 2, 0 * rows, history)  # type: ignore[arg-type]


@pytest.fixture
def problem(monkeypatch) -> SimpleNamespace:
    monkeypatch.setattr(sweep, "_returns", lambda problem, prompts, *_: np.asarray(prompts))
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


def test_a_choice_that_diverges_costs_no_other(problem, capsys):
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


def test_falls_are_by_row_in_any_order():
    """Ranking logs all rows of an iteration together, fine-tuning all of a row."""
    history = [entry(0, np.nan, 0), entry(0, 3.0, 0), entry(0, 1.0, 0)]
    history += [entry(1, np.nan, 0), entry(1, 9.0, 0), entry(1, 5.0, 0)]
    assert sweep._fall(history) == 3.0
    assert sweep._fall(history[::3] + history[1::3] + history[2::3]) == 3.0
    assert np.isnan(sweep._fall(history[:1]))


def test_tuned_weights_are_played_by_their_row(monkeypatch):
    """The fake play earns the backbone's name."""
    arm = SimpleNamespace(select=lambda row: None)
    suite = SimpleNamespace(name="cheetah-vel", deterministic_resets=False)
    backbone = SimpleNamespace(
        name=-1, with_weights=lambda weights: SimpleNamespace(name=weights)
    )
    problem = SimpleNamespace(
        suite=suite, rows=np.array([3, 5]), target_return=0.0, precision="fp32", threads=1,
        backbone=backbone,
    )  # fmt: skip

    def play(how, own, arms, seeds):
        for one in arms:
            one.returns += [float(own.name)] * one.episodes

    monkeypatch.setattr(sweep, "play", play)
    assert sweep._returns(problem, arm, 2, (0, 0)).tolist() == [-1, -1]
    assert sweep._returns(problem, arm, 2, (0, 0), {0: 7, 1: 9}).tolist() == [7, 9]


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


@pytest.mark.parametrize(
    ("kind", "message"),
    [("none", "learning_rate$"), ("retrieval", "by --sweep: candidates, judging_batch$")],
)
def test_methods_without_a_default_grid_are_refused(kind, message):
    with pytest.raises(TrajpromptError, match=message):
        run(settings(kind=kind))


@pytest.mark.parametrize(
    ("kind", "count", "swept"),
    [
        ("ptdt-online", 20, {"step_size", "smoothing"}),
        ("soft-prompt", 6, {"learning_rate"}),
        ("adaptor", 6, {"learning_rate"}),
        ("full-finetune", 6, {"learning_rate"}),
        ("prompt-diffuser", 6, {"learning_rate"}),
        ("prompt-vae", 6, {"learning_rate"}),
    ],
)
def test_what_is_swept_by_default_depends_on_the_options(kind, count, swept):
    options = get_method(kind).options
    grid = calibrate._grid("m", options, None)
    assert len(grid) == count and all(set(choice) == swept for choice in grid)
    assert len([calibrate._candidate(options, {}, choice) for choice in grid]) == count


def test_named_options_are_swept_in_every_combination():
    texts = ["learning_rate=1e-2,1", "guidance=sum", "per_dimension=true,false"]
    options = get_method("prompt-diffuser").options
    grid = calibrate._grid("m", options, [calibrate._swept(text) for text in texts])
    configured = {"width": 64, "guidance": "diffusion"}
    candidates = [calibrate._candidate(options, configured, own)[1] for own in grid]
    assert [own.learning_rate for own in candidates] == [0.01, 0.01, 1.0, 1.0]
    assert [own.per_dimension for own in candidates] == [True, False] * 2
    assert {(own.guidance, own.width) for own in candidates} == {("sum", 64)}


@pytest.mark.parametrize(
    ("sweep", "message"),
    [
        (
            ["speed=1"],
            "^--sweep speed=1: speed: an unknown option; expected one",
        ),
        (["batch=8", "step_size=0.1,-1"], "batch=8 step_size=-1: .*expected more than 0$"),
        (["iterations=2.5"], "iterations: 2.5; expected a value of type int$"),
        (["iterations=2", "iterations=3"], "^--sweep: an option twice"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_read(sweep, message):
    with pytest.raises(TrajpromptError, match=message):
        run(settings(), "--sweep", *sweep)


@pytest.mark.parametrize("text", ["step_size", "=1", "step_size="])
def test_sweeps_that_name_no_values_are_refused(text, capsys):
    with pytest.raises(SystemExit):
        run(settings(), "--sweep", text)
    assert f"'{text}' is not OPTION=VALUE[,VALUE...]" in capsys.readouterr().err


def test_default_tasks_are_spread():
    assert calibrate._spread(range(35), 4) == [0, 11, 23, 34]
    assert calibrate._spread((0, 1), 4) == [0, 1]


def test_tuned_tasks_are_held_out_of_what_is_learnt_from():
    assert calibrate._others((0, 1, 3, 4), [1, 4]) == (0, 3)
    assert calibrate._others((0, 1), [0, 1]) == (0, 1)
