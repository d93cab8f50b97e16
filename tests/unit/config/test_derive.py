"""Settings of one job, derived from a configuration."""

import json
from typing import Any

import pytest

from support.configuration import FILE, with_keys
from support.paths import ROOT
from trajprompt.config import cells as table_cells
from trajprompt.config import derive
from trajprompt.config.load import Config, load_config
from trajprompt.errors import TrajpromptError
from trajprompt.settings import stages as settings
from trajprompt.settings.options import parse_options
from trajprompt.tasks.registry import get_suite
from trajprompt.tuning.methods.ptdt_online import OnlineOptions
from trajprompt.tuning.registry import get_method
from trajprompt.tuning.search.loop import SearchOptions

DEFAULT = load_config([FILE, ROOT / "presets/evening.yaml"])


def test_collection_covers_training_and_test_tasks():
    tasks = {"tasks.reach.train": [4, 2], "tasks.reach.test": [3]}
    made = derive.collect(with_keys(tasks), "reach")
    assert made.tasks == (2, 3, 4) and made.suite == "reach"
    assert made.algorithm == "scripted" and made.options["episodes"] == 90


def test_a_cell_has_the_options_of_its_method_then_of_its_suite():
    method = "methods.ptdt-online"
    keys = {f"{method}.options": {"candidates": 7, "ranked": 3}}
    made = with_keys({**keys, f"{method}.suite_options.reach": {"ranked": 2}})
    reach = derive.tune(made, "reach", "expert", "ptdt-online", 1)
    other = derive.tune(made, "ant-dir", "expert", "ptdt-online", 1)
    assert (reach.options["candidates"], reach.options["ranked"]) == (7, 2)
    assert (other.options["candidates"], other.options["ranked"]) == (7, 3)
    assert (reach.kind, reach.seed, reach.samples) == ("ptdt-online", 1, 256)


def test_random_play_has_the_episodes_of_an_evaluation():
    made = derive.random_policy(with_keys({"evaluate.episodes": 9}), "reach")
    assert made.episodes == 9 and made.tasks == tuple(get_suite("reach").test_tasks)


def test_a_stage_is_found_by_its_settings():
    made = derive.settings_for(DEFAULT, settings.RandomPolicySettings, suite="reach")
    assert made == derive.random_policy(DEFAULT, "reach")


@pytest.mark.parametrize(
    ("make", "coordinates", "what"),
    [
        (derive.collect, ("moon",), "suite 'moon'"),
        (derive.pretrain, ("reach", "magic", 0), "backbone 'magic'"),
        (derive.tune, ("reach", "magic", "none", 0), "condition 'magic'"),
        (derive.tune, ("reach", "expert", "magic", 0), "method 'magic'"),
        (derive.report, ("magic",), "table or figure 'magic'"),
        (derive.figure, ("ptdt_table1",), "figure 'ptdt_table1'"),
        (derive.video, ("magic",), "video 'magic'"),
    ],
)
def test_a_name_that_is_not_in_the_run_is_refused(make, coordinates, what):
    with pytest.raises(TrajpromptError) as caught:
        make(DEFAULT, *coordinates)
    assert (caught.value.where, caught.value.found) == (what, "not in this run")


def test_settings_survive_the_command_line():
    made = derive.tune(DEFAULT, "cheetah-vel", "expert", "ptdt-offline", 1)
    values = json.loads(settings.to_json(made))
    assert settings.from_mapping(settings.TuneSettings, values, "here") == made


def test_unknown_setting_on_the_command_line():
    with pytest.raises(TrajpromptError, match="colour"):
        settings.from_mapping(settings.ReportSettings, {"colour": 1}, "--settings")


def test_the_report_of_a_table_has_only_its_suites_and_entries():
    made = derive.report(DEFAULT, "pd_table9")
    assert made.suites == ("ant-dir-ood",)
    assert [entry["id"] for entry in made.entries] == (
        DEFAULT["tables"]["pd_table9"]["entries"]
    )
    assert made.table == "pd_table9" and made.title.startswith("PD Table 9")
    with pytest.raises(TrajpromptError, match="figure 'magic'"):
        derive.report(DEFAULT, "magic")


def test_the_report_of_the_run_has_every_entry_in_all_its_suites():
    made = derive.report(DEFAULT)
    entries = {entry["id"]: entry["suites"] for entry in made.entries}
    assert made.suites == tuple(table_cells.suites(DEFAULT)) and not made.table
    assert {"ant-dir", "ant-dir-ood"} <= set(entries["prompt-dt"])  # in different tables
    assert entries["pd-zero-shot"] == ["ant-dir-ood"]


def test_a_figure_has_its_baseline_and_the_conditions_of_its_cells():
    made = derive.figure(DEFAULT, "ptdt_figure2")
    assert (made.kind, made.baseline, made.paper) == ("samples", "prompt-dt", "ptdt")
    assert made.conditions["samples-32"]["samples"] == 32
    assert "prompt_length" not in made.conditions["samples-32"]  # set by its backbone
    assert made.methods["none"] == "Prompt-DT"
    length = DEFAULT["pretrain"]["context_length"]
    assert made.context_lengths == {suite: [length] for suite in made.suites}


def test_a_video_shows_the_first_test_task_or_the_named_one():
    made = derive.video(with_keys({"videos.rollouts.tasks": {"reach": 15}}), "rollouts")
    tasks = {suite: get_suite(suite).test_tasks[0] for suite in made.suites}
    assert made.tasks == {**tasks, "reach": 15} and made.seed == DEFAULT["seeds"][0]
    assert [entry["id"] for entry in made.entries] == (
        DEFAULT["videos"]["rollouts"]["entries"]
    )


CONFIGS = {
    "laptop": DEFAULT,
    "paper": load_config([FILE, ROOT / "presets/paper.yaml"]),
}
SHOWN = [
    (run, name)
    for run, made in CONFIGS.items()
    for name in [*made["tables"], *made["figures"]]
    if name.startswith("bandits")
]


def options_of(config: Config, suite: str, condition: str, method: str) -> Any:
    settings = derive.tune(config, suite, condition, method, 0)
    return parse_options(get_method(settings.kind).options, settings.options, method)


@pytest.mark.parametrize(("run", "name"), SHOWN)
def test_compared_methods_search_with_equal_budgets(run, name):
    """PTDT-online plays complete updates only. Methods that play nothing have no budget."""
    made = CONFIGS[run]
    searches: dict[str, dict[str, int]] = {}  # suite -> method -> episodes of a prompt
    descents: dict[tuple[str, str], OnlineOptions] = {}
    for suite, condition, method in table_cells.cells(made, [name]):
        options = options_of(made, suite, condition, method)
        if isinstance(options, SearchOptions):
            searches.setdefault(suite, {})[method] = options.episodes
        elif isinstance(options, OnlineOptions):
            descents[suite, method] = options
    assert searches
    for suite, found in searches.items():
        assert len(set(found.values())) == 1, (suite, found)
    for (suite, method), options in descents.items():
        left = max(searches[suite].values()) - options.episodes_played(get_suite(suite))
        assert 0 <= left < options.candidates, (suite, method, left)
