"""Settings of one job, derived from a configuration."""

import dataclasses
from collections.abc import Callable
from typing import Any

from trajprompt.config import backbones as pretraining
from trajprompt.config import cells as table_cells
from trajprompt.config import evaluation
from trajprompt.config.checks import splits
from trajprompt.config.derive_report import figure, report, video
from trajprompt.config.names import known_name, run_values
from trajprompt.errors import TrajpromptError
from trajprompt.settings import stages as st
from trajprompt.settings.sizes import BackboneSizes, PromptForm
from trajprompt.settings.training import TrainingSettings

__all__ = ["figure", "report", "video"]  # of stage 5
Config = dict[str, Any]


def settings_for(config: Config, cls: type[st.Settings], **coordinates: Any) -> st.Settings:
    """Settings of type ``cls`` of the job with these ``coordinates``."""
    makers: dict[type, Callable[..., Any]] = {
        st.CollectSettings: collect,
        st.TeachSettings: teach,
        st.PretrainSettings: pretrain,
        st.OfflineSettings: learn,
        st.RelabelSettings: relabel,
        st.TuneSettings: tune,
        st.EvaluateSettings: evaluate,
        st.RandomPolicySettings: random_policy,
        st.ReportSettings: report,
        st.FigureSettings: figure,
        st.VideoSettings: video,
    }
    return makers[cls](config, **coordinates)


def collect(config: Config, suite: str) -> st.CollectSettings:
    train, test = splits(config, known_name(config["suites"], suite, "suite"))
    chosen = dict(config["collect"][suite])
    scores = chosen.pop("score_between", None)  # older records lack it
    return st.CollectSettings(
        **run_values(config),
        suite=suite,
        tasks=tuple(sorted({*train, *test})),
        device=config["compute"]["device"],
        threads=config["compute"]["threads"],
        score_between=tuple(scores) if scores else None,
        **chosen,
    )


def pretrain(config: Config, suite: str, backbone: str, seed: int) -> st.PretrainSettings:
    train, _ = splits(config, known_name(config["suites"], suite, "suite"))
    if pretraining.is_offline(config, backbone):
        found, remedy = "found an offline algorithm", "run `trajprompt learn`"
        raise TrajpromptError(f"backbone '{backbone}'", found, "a transformer", remedy)
    values = {**config["compute"], **pretraining.values(config, suite, backbone)}
    return st.PretrainSettings(
        **run_values(config),
        suite=suite,
        backbone=known_name(pretraining.names(config), backbone, "backbone"),
        kind=pretraining.kind_of(config, backbone),
        seed=seed,
        train_tasks=train,
        return_scale=config["tasks"][suite]["return_scale"],
        demonstrations=values["demonstrations"],
        data_trajectories=values["data_trajectories"],
        data_fraction=values["data_fraction"],
        batch_per_task=values["batch_per_task"],
        prompt=_part(PromptForm, values, "prompt_"),
        sizes=_part(BackboneSizes, values),
        training=_part(TrainingSettings, values),
        device=values["device"],
        demonstrations_from=pretraining.demonstrations_from(config, suite, backbone),
        stacked_seeds=values["stacked_seeds"],
    )


def teach(config: Config, environment: str) -> st.TeachSettings:
    known = config["teachers"]
    return st.TeachSettings(
        **run_values(config),
        environment=environment,
        device=config["compute"]["device"],
        threads=config["compute"]["threads"],
        **known[known_name(known, environment, "teacher")],
    )


def learn(config: Config, suite: str, backbone: str, seed: int) -> st.OfflineSettings:
    """Settings of an offline algorithm on a suite, for one seed."""
    train, _ = splits(config, known_name(config["suites"], suite, "suite"))
    chosen = config["algorithms"][known_name(config["algorithms"], backbone, "algorithm")]
    return st.OfflineSettings(
        **run_values(config),
        suite=suite,
        backbone=backbone,
        kind=chosen["kind"],
        options={**chosen["options"], **chosen["suite_options"].get(suite, {})},
        seed=seed,
        train_tasks=train,
        updates=chosen["updates"],
        curve_every=-(-chosen["updates"] // chosen["curve_points"]),
        curve_episodes=chosen["curve_episodes"],
        device=config["compute"]["device"],
    )


def relabel(config: Config, suite: str, backbone: str, seed: int) -> st.RelabelSettings:
    """Settings of the relabelled data of a CMT backbone."""
    learned = learn(config, suite, backbone, seed)
    return st.RelabelSettings(
        **run_values(config),
        suite=suite,
        backbone=backbone,
        seed=seed,
        train_tasks=learned.train_tasks,
        options=config["relabel"],
    )


def tune(
    config: Config, suite: str, condition: str, method: str, seed: int
) -> st.TuneSettings:
    train, test = splits(config, known_name(config["suites"], suite, "suite"))
    conditions = config["conditions"][
        known_name(config["conditions"], condition, "condition")
    ]
    backbone = conditions["backbone"]
    base = pretraining.values(config, suite, backbone)
    chosen = config["methods"][known_name(config["methods"], method, "method")]
    return st.TuneSettings(
        **run_values(config),
        suite=suite,
        condition=condition,
        method=method,
        kind=chosen["kind"],
        options={**chosen["options"], **chosen["suite_options"].get(suite, {})},
        seed=seed,
        train_tasks=train,
        test_tasks=test,
        prompt_quality=conditions["prompt_quality"],
        data_quality=conditions["data_quality"],
        samples=conditions["samples"],
        prompt=_part(
            PromptForm, pretraining.prompt_of(config, suite, condition), "prompt_"
        ),
        prompts_per_task=conditions["prompts_per_task"],
        demonstrations=base["demonstrations"],
        data_trajectories=base["data_trajectories"],
        data_fraction=base["data_fraction"],
        target_return=config["tasks"][suite]["target_return"],
        demonstrations_from=pretraining.demonstrations_from(config, suite, backbone),
        **config["compute"],
    )


def evaluate(
    config: Config, suite: str, condition: str, method: str, seed: int
) -> st.EvaluateSettings:
    """Settings of an evaluation; curve episodes are 0 unless a figure shows the curve.

    Of the methods in ``curve_ends``, the last third of a curve is played in all cells.
    """
    known_name(config["suites"], suite, "suite")
    chosen = evaluation.values(config, suite)
    if (suite, condition, method) not in table_cells.curves(config):
        ends = method in config["evaluate"]["curve_ends"]
        chosen |= {"curve_start": st.LAST_PART} if ends else {"curve_episodes": 0}
    return st.EvaluateSettings(
        **run_values(config),
        suite=suite,
        condition=condition,
        method=method,
        seed=seed,
        target_return=config["tasks"][suite]["target_return"],
        **chosen,
        **config["compute"],
    )


def random_policy(config: Config, suite: str) -> st.RandomPolicySettings:
    """Settings of random play on every test task.

    It has the episodes of an evaluation for all suites: it is cheap, and its returns
    differ even where resets are equal.
    """
    _, test = splits(config, known_name(config["suites"], suite, "suite"))
    return st.RandomPolicySettings(
        **run_values(config),
        suite=suite,
        tasks=test,
        episodes=config["evaluate"]["episodes"],
        threads=config["compute"]["threads"],
    )


def _part(cls: type[st.Settings], values: Config, prefix: str = "") -> st.Settings:
    """The part ``cls`` of a stage's settings, from values named ``<prefix><field>``."""
    names = [field.name for field in dataclasses.fields(cls)]
    return cls(**{name: values[prefix + name] for name in names})
