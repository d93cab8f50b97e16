"""Jobs of a configuration, with their settings and output files.

The paths equal those of the rules in workflow/rules.
"""

import json
from dataclasses import dataclass
from typing import Any

from trajprompt.artifacts.records import REPORT_RECORD, SUFFIX
from trajprompt.config import cells as table_cells
from trajprompt.config import derive
from trajprompt.config.backbones import is_offline
from trajprompt.config.wrong_keys import Config
from trajprompt.settings import stages as settings
from trajprompt.tuning.registry import get_method

REPORT = f"5_report/{REPORT_RECORD}"


@dataclass(frozen=True)
class Job:
    """One job; paths are relative to the run's folder."""

    stage: str
    record: str
    outputs: tuple[str, ...]
    settings: dict[str, Any]  # as in the record


def jobs_of(config: Config) -> list[Job]:
    """All jobs of a run, in the order of stages."""
    return [
        *_teach(config),
        *_collect(config),
        *_pretrain(config),
        *_relabel(config),
        *_cells(config),
        *_random_policies(config),
        Job("report", REPORT, (), config),
    ]


def _teach(config: Config) -> list[Job]:
    """The teachers that a suite's data is made from."""
    return [
        _job(
            "teach",
            f"1_collect/teachers/{environment}/policies",
            (".safetensors",),
            derive.teach(config, environment),
        )
        for environment in table_cells.taught(config)
    ]


def _collect(config: Config) -> list[Job]:
    return [
        _job(
            "collect",
            f"1_collect/{suite}/trajectories",
            (".h5",),
            derive.collect(config, suite),
        )
        for suite in table_cells.collected(config)
    ]


def _pretrain(config: Config) -> list[Job]:
    jobs = []
    for suite, backbone in table_cells.backbones(config):
        offline = is_offline(config, backbone)
        stage, make = ("learn", derive.learn) if offline else ("pretrain", derive.pretrain)
        for seed in config["seeds"]:
            stem = f"2_pretrain/{suite}/{backbone}/seed{seed}"
            values = make(config, suite, backbone, seed)
            jobs.append(_job(stage, stem, (".safetensors", ".csv"), values))
    return jobs


def _relabel(config: Config) -> list[Job]:
    """Relabelled data of the CMT backbones that a method of the run tunes."""
    wanted = {
        (suite, config["conditions"][condition]["backbone"])
        for suite, condition, method in table_cells.cells(config)
        if get_method(config["methods"][method]["kind"]).reads_relabelled
    }
    return [
        _job(
            "relabel",
            f"2_pretrain/{suite}/{backbone}/relabelled{seed}",
            (".h5",),
            derive.relabel(config, suite, backbone, seed),
        )
        for suite, backbone in sorted(wanted)
        for seed in config["seeds"]
    ]


def _cells(config: Config) -> list[Job]:
    stages = (
        ("tune", "3_tune", ".h5", derive.tune),
        ("evaluate", "4_evaluate", ".csv", derive.evaluate),
    )
    return [
        _job(
            stage,
            f"{folder}/{suite}/{condition}/{method}/seed{seed}",
            (suffix,),
            make(config, suite, condition, method, seed),
        )
        for stage, folder, suffix, make in stages
        for suite, condition, method in table_cells.cells(config)
        for seed in config["seeds"]
    ]


def _random_policies(config: Config) -> list[Job]:
    name = settings.RANDOM_POLICY
    return [
        _job(
            name,
            f"4_evaluate/{suite}/{name}",
            (".csv",),
            derive.random_policy(config, suite),
        )
        for suite in table_cells.suites(config)
    ]


def _job(stage: str, stem: str, suffixes: tuple[str, ...], values: Any) -> Job:
    outputs = tuple(stem + suffix for suffix in suffixes)
    return Job(stage, stem + SUFFIX, outputs, json.loads(settings.to_json(values)))
