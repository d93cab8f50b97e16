"""``trajprompt calibrate``: only training tasks, and all combinations of options."""

import dataclasses
import subprocess

import pytest

from support.paths import ROOT
from support.tuning_job import SETTINGS
from trajprompt.commands import calibrate, calibrate_all, calibration_tasks
from trajprompt.errors import TrajpromptError
from trajprompt.settings.stages import TuneSettings, to_json
from trajprompt.tuning.registry import get_method


def settings(**changes) -> TuneSettings:
    changes = {"method": "m", "kind": "ptdt-offline", **changes}
    return dataclasses.replace(SETTINGS, **changes)


def run(chosen: TuneSettings, *extra: str) -> None:
    names = ["--suite", chosen.suite, "--condition", "expert", "--method", "m"]
    files = ["--data", "d.h5", "--backbone-file", "b.safetensors", "--out", "o.csv"]
    given = ["--seed", "0", "--settings", to_json(chosen)]
    calibrate.main([*names, *files, *given, *extra])


def test_test_tasks_are_refused():
    with pytest.raises(TrajpromptError, match="task 7.*training tasks"):
        run(settings(), "--tasks", "3", "7")


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("none", "learning_rate; choose another method"),
        ("retrieval", "with --sweep: candidates, judging_batch$"),
    ],
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
def test_the_default_grid_depends_on_the_options(kind, count, swept):
    options = get_method(kind).options
    grid = calibrate.grid_points("m", options, None)
    assert len(grid) == count and all(set(choice) == swept for choice in grid)
    assert len([calibrate.candidate(options, {}, choice) for choice in grid]) == count


def test_named_options_are_swept_in_every_combination():
    texts = ["learning_rate=1e-2,1", "guidance=sum", "per_dimension=true,false"]
    options = get_method("prompt-diffuser").options
    grid = calibrate.grid_points(
        "m", options, [calibrate.swept_values(text) for text in texts]
    )
    configured = {"width": 64, "guidance": "diffusion"}
    made = [calibrate.candidate(options, configured, choice)[1] for choice in grid]
    assert [candidate.learning_rate for candidate in made] == [0.01, 0.01, 1.0, 1.0]
    assert [candidate.per_dimension for candidate in made] == [True, False] * 2
    assert {(candidate.guidance, candidate.width) for candidate in made} == {("sum", 64)}


@pytest.mark.parametrize(
    ("sweep", "message"),
    [
        (
            ["speed=1"],
            "^--sweep speed=1: speed: found an unknown key; expected one",
        ),
        (
            ["batch=8", "step_size=0.1,-1"],
            "batch=8 step_size=-1: .*expected more than 0; correct",
        ),
        (["iterations=2.5"], "iterations: found 2.5; expected an integer; correct"),
        (
            ["iterations=2", "iterations=3"],
            "^--sweep: found a repeated option among iterations, it",
        ),
    ],
)
def test_wrong_options_are_refused_before_files_are_read(sweep, message):
    with pytest.raises(TrajpromptError, match=message):
        run(settings(), "--sweep", *sweep)


@pytest.mark.parametrize("text", ["step_size", "=1", "step_size="])
def test_sweeps_without_values_are_refused(text, capsys):
    with pytest.raises(SystemExit):
        run(settings(), "--sweep", text)
    assert f"'{text}' is not OPTION=VALUE[,VALUE...]" in capsys.readouterr().err


def test_default_tasks_are_spread():
    assert calibration_tasks.spread(range(35), 4) == [0, 11, 23, 34]
    assert calibration_tasks.spread((0, 1), 4) == [0, 1]


def test_tuned_tasks_are_not_among_the_training_tasks():
    assert calibration_tasks.other_tasks((0, 1, 3, 4), [1, 4]) == (0, 3)
    assert calibration_tasks.other_tasks((0, 1), [0, 1]) == (0, 1)


def test_suites_whose_test_tasks_are_training_tasks_are_marked():
    assert calibrate.same_tasks(settings(train_tasks=(0, 1), test_tasks=(1, 2)))
    assert not calibrate.same_tasks(settings(train_tasks=(0, 1), test_tasks=(2,)))


@pytest.mark.parametrize("mode", calibrate.MODES)
def test_modes_have_their_own_help(mode, capsys):
    with pytest.raises(SystemExit, match="0"):
        calibrate.main([mode, "--help"])
    assert f"usage: trajprompt calibrate {mode}" in capsys.readouterr().out


def test_all_runs_the_workflow_with_the_preset(monkeypatch):
    monkeypatch.chdir(ROOT)
    called = []

    def fake(command, check):
        called.append(command[2:])
        return subprocess.CompletedProcess(command, 3)

    monkeypatch.setattr(calibrate_all.subprocess, "run", fake)
    with pytest.raises(SystemExit, match="3"):
        calibrate.main(["--all", "--cores", "2", "--", "--dry-run"])
    line = "snakemake --cores 2 --configfile presets/calibration.yaml --dry-run"
    assert called == [[*line.split(), "--", "calibrate_all"]]


def test_all_needs_the_repository(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TrajpromptError, match="Snakefile: no such file"):
        calibrate.main(["--all"])
