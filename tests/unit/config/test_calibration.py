"""The plan of the calibration: equal grids with the paper's values, and its own run."""

import math

import pytest
import yaml

from support.paths import CONFIG, ROOT, preset
from trajprompt.commands.calibrate import swept_values
from trajprompt.config import derive
from trajprompt.config.calibration import SETTINGS, MethodGrid, read_plan
from trajprompt.config.load import load_config
from trajprompt.errors import TrajpromptError
from trajprompt.settings.options import build
from trajprompt.tasks.registry import get_suite
from trajprompt.tuning.registry import get_method

PLAN = read_plan(ROOT / "papers")


@pytest.fixture(scope="module")
def run():
    return load_config([CONFIG, preset("calibration")])


@pytest.mark.parametrize("name", PLAN.methods)
def test_every_method_has_as_many_settings_and_the_papers_is_one(name):
    grid = PLAN.methods[name]
    settings = grid.settings
    assert len(settings) == len({tuple(s.values()) for s in settings}) == SETTINGS
    assert settings.count(grid.paper) == 1 and grid.distance(grid.paper) == 0
    for values in grid.values.values():
        assert values == sorted(values)
    assert grid.source


@pytest.mark.parametrize("name", PLAN.methods)
def test_every_setting_is_valid_with_the_options_of_the_run(name, run):
    grid = PLAN.methods[name]
    for suite in grid.suites:
        settings = derive.tune(run, suite, grid.condition_of(suite), name, 0)
        options = get_method(settings.kind).options
        for setting in grid.settings:
            made = build((options,), {**settings.options, **setting})[0]
            assert {option: getattr(made, option) for option in setting} == setting


def test_the_sweep_on_the_command_line_has_the_settings_of_the_plan():
    for grid in PLAN.methods.values():
        swept = dict(swept_values(text) for text in grid.sweep.split())
        assert swept == grid.values


def test_cells_are_tuned_where_their_backbone_takes_prompts(run):
    cells = PLAN.cells(run)
    assert len(cells) == len(set(cells))
    assert ("pick-place", "segments-2x2", "full-finetune") in cells
    for suite, condition, _ in [*cells, *((*s, "") for s in PLAN.signals(run))]:
        assert run["conditions"][condition]["backbone"] not in ("mt-orl", "mt-bc")
        several = get_suite(suite).score_range is None  # a D4RL suite has one task
        assert len(get_suite(suite).train_tasks) >= 1 + several


def test_cells_of_other_suites_and_methods_are_left_out(run):
    methods = {"adaptor": run["methods"]["adaptor"]}
    some = {**run, "suites": ["reach"], "methods": methods}
    assert PLAN.cells(some) == [("reach", "expert", "adaptor")]


def test_the_calibration_has_its_own_streams_and_three_backbones(run):
    laptop = load_config([CONFIG])
    assert (run["run"], len(run["seeds"])) == ("calibration", 3)
    assert run["run_seed"] != laptop["run_seed"]
    ours, theirs = (derive.collect(one, "cheetah-dir") for one in (run, laptop))
    assert ours.run_seed == run["run_seed"] != theirs.run_seed
    assert ours.options == theirs.options


GRID = {
    "condition": "expert",
    "suites": ["reach"],
    "values": {"step_size": [0.1, 1.0, 10.0], "smoothing": [0.3, 1.0]},
    "paper": {"step_size": 1.0, "smoothing": 1.0},
    "source": "a test",
}


def test_distances_are_ratios_and_ends_are_of_three_or_more_values():
    grid = MethodGrid(**GRID)
    setting = {"step_size": 0.1, "smoothing": 0.3}
    assert grid.distance(setting) == pytest.approx(math.log(10) + math.log(1 / 0.3))
    assert grid.at_end(setting)
    assert not grid.at_end({"step_size": 1.0, "smoothing": 0.3})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"values": {"step_size": [1.0, 2.0]}, "paper": {"step_size": 1.0}}, "6 comb"),
        ({"paper": {"step_size": 2.0, "smoothing": 1.0}}, "paper's setting among"),
        ({"paper": {"step_size": 1.0}}, "paper's setting among"),
        ({"values": {"step_size": [0, 1, 2, 3, 4, 5]}}, "step_size.0"),
        ({"suites": ["mars"]}, "suites.0: found .*mars.*one of"),
        ({"sauce": "x"}, "sauce"),
    ],
)
def test_wrong_plans_are_refused_with_the_key(tmp_path, changes, message):
    plan = {
        "episodes": 20,
        "signal": {"smoothings": [1.0], "resets": 2, "conditions": {}},
        "methods": {"m": {**GRID, **changes}},
    }
    (tmp_path / "calibration.yaml").write_text(yaml.safe_dump(plan))
    with pytest.raises(TrajpromptError, match=f"calibration.yaml: methods.m.*{message}"):
        read_plan(tmp_path)
