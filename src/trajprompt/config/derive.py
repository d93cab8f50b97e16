"""Settings of one job, derived from a configuration."""

import dataclasses
from collections.abc import Callable
from typing import Any

from trajprompt.config import backbones as pretraining
from trajprompt.config import cells as table_cells
from trajprompt.config import evaluation
from trajprompt.config.checks import splits
from trajprompt.errors import TrajpromptError
from trajprompt.settings import stages as st
from trajprompt.settings.training import TrainingSettings

Config = dict[str, Any]


def settings_for(config: Config, cls: type[st.Settings], **coordinates: Any) -> st.Settings:
    """Settings of type ``cls`` of the job with these ``coordinates``."""
    makers: dict[type, Callable[..., Any]] = {
        st.CollectSettings: collect,
        st.TeachSettings: teach,
        st.PretrainSettings: pretrain,
        st.OfflineSettings: learn,
        st.TuneSettings: tune,
        st.EvaluateSettings: evaluate,
        st.RandomPolicySettings: random_policy,
        st.ReportSettings: report,
        st.FigureSettings: figure,
        st.VideoSettings: video,
    }
    return makers[cls](config, **coordinates)


def collect(config: Config, suite: str) -> st.CollectSettings:
    train, test = splits(config, _known(config["suites"], suite, "suite"))
    chosen = dict(config["collect"][suite])
    scores = chosen.pop("score_between", None)  # older records lack it
    return st.CollectSettings(
        **_run(config),
        suite=suite,
        tasks=tuple(sorted({*train, *test})),
        device=config["compute"]["device"],
        threads=config["compute"]["threads"],
        score_between=tuple(scores) if scores else None,
        **chosen,
    )


def pretrain(config: Config, suite: str, backbone: str, seed: int) -> st.PretrainSettings:
    train, _ = splits(config, _known(config["suites"], suite, "suite"))
    if pretraining.is_offline(config, backbone):
        found, remedy = "found an offline algorithm", "run `trajprompt learn`"
        raise TrajpromptError(f"backbone '{backbone}'", found, "a transformer", remedy)
    values = {**config["compute"], **pretraining.values(config, suite, backbone)}
    return st.PretrainSettings(
        **_run(config),
        suite=suite,
        backbone=_known(pretraining.names(config), backbone, "backbone"),
        kind=pretraining.kind_of(config, backbone),
        seed=seed,
        train_tasks=train,
        return_scale=config["tasks"][suite]["return_scale"],
        demonstrations=values["demonstrations"],
        data_trajectories=values["data_trajectories"],
        data_fraction=values["data_fraction"],
        batch_per_task=values["batch_per_task"],
        prompt=_part(st.PromptForm, values, "prompt_"),
        sizes=_part(st.BackboneSizes, values),
        training=_part(TrainingSettings, values),
        device=values["device"],
        demonstrations_from=pretraining.demonstrations_from(config, suite, backbone),
        stacked_seeds=values["stacked_seeds"],
    )


def teach(config: Config, environment: str) -> st.TeachSettings:
    known = config["teachers"]
    return st.TeachSettings(
        **_run(config),
        environment=environment,
        device=config["compute"]["device"],
        threads=config["compute"]["threads"],
        **known[_known(known, environment, "teacher")],
    )


def learn(config: Config, suite: str, backbone: str, seed: int) -> st.OfflineSettings:
    """Settings of an offline algorithm on a suite, for one seed."""
    train, _ = splits(config, _known(config["suites"], suite, "suite"))
    chosen = config["algorithms"][_known(config["algorithms"], backbone, "algorithm")]
    return st.OfflineSettings(
        **_run(config),
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


def tune(
    config: Config, suite: str, condition: str, method: str, seed: int
) -> st.TuneSettings:
    train, test = splits(config, _known(config["suites"], suite, "suite"))
    conditions = config["conditions"][_known(config["conditions"], condition, "condition")]
    backbone = conditions["backbone"]
    base = pretraining.values(config, suite, backbone)
    chosen = config["methods"][_known(config["methods"], method, "method")]
    return st.TuneSettings(
        **_run(config),
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
            st.PromptForm, pretraining.prompt_of(config, suite, condition), "prompt_"
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
    _known(config["suites"], suite, "suite")
    chosen = evaluation.values(config, suite)
    if (suite, condition, method) not in table_cells.curves(config):
        ends = method in config["evaluate"]["curve_ends"]
        chosen |= {"curve_start": st.LAST_PART} if ends else {"curve_episodes": 0}
    return st.EvaluateSettings(
        **_run(config),
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
    _, test = splits(config, _known(config["suites"], suite, "suite"))
    return st.RandomPolicySettings(
        **_run(config),
        suite=suite,
        tasks=test,
        episodes=config["evaluate"]["episodes"],
        threads=config["compute"]["threads"],
    )


def report(config: Config, table: str = "") -> st.ReportSettings:
    """Report settings of one table or figure, or of the whole run if no name is given."""
    if table:
        in_run = [*table_cells.tables(config), *table_cells.figures(config)]
        _known(in_run, table, "table or figure")
    found = table_cells.entries(config, (table,) if table else None)
    shown = {suite for suites in found.values() for suite in suites}
    entries = [
        _entry(config, name) | {"suites": list(suites)} for name, suites in found.items()
    ]
    values = table_cells.shown(config, table) if table else {}
    return st.ReportSettings(
        **_run(config),
        suites=tuple(suite for suite in config["suites"] if suite in shown),
        seeds=tuple(config["seeds"]),
        papers=config["papers"],
        entries=tuple(entries),
        table=table,
        title=values.get("title", ""),
        paper=values.get("paper") or "",
        raw=values.get("raw", False),
    )


def _entry(config: Config, name: str) -> dict[str, Any]:
    chosen = config["entries"][name]
    backbone = config["conditions"][chosen["condition"]]["backbone"]
    keys = ("label", "condition", "method")
    return {"id": name, "backbone": backbone, **{key: chosen[key] for key in keys}}


def figure(config: Config, table: str) -> st.FigureSettings:
    """Settings of the figure named ``table``."""
    chosen = config["figures"][_known(config["figures"], table, "figure")]
    shared = report(config, table)
    names = sorted({entry["condition"] for entry in shared.entries})
    methods = {entry["method"] for entry in shared.entries}
    return st.FigureSettings(
        **vars(shared),
        kind=chosen["kind"],
        baseline=chosen["baseline"] or "",
        conditions={name: _given(config["conditions"][name]) for name in names},
        methods={method: _method_label(config, method) for method in sorted(methods)},
        context_lengths={
            suite: _context_lengths(config, suite, shared.entries)
            for suite in shared.suites
        },
    )


def _context_lengths(
    config: Config, suite: str, entries: tuple[dict[str, Any], ...]
) -> list[int]:
    """Context lengths in steps of the backbones of the entries' cells on a suite."""
    names = {entry["condition"] for entry in entries if suite in entry["suites"]}
    backbones = {config["conditions"][name]["backbone"] for name in names}
    found = (pretraining.values(config, suite, name) for name in backbones)
    return sorted({values["context_length"] for values in found})


def _method_label(config: Config, method: str) -> str:
    """Label of the first entry that uses the method, if possible on a transformer."""
    users = [one for one in config["entries"].values() if one["method"] == method]
    backbones = [config["conditions"][one["condition"]]["backbone"] for one in users]
    pairs = zip(users, backbones, strict=True)
    tuned = [one for one, name in pairs if not pretraining.is_offline(config, name)]
    return str((tuned or users)[0]["label"])


def _given(values: Config) -> Config:
    return {name: value for name, value in values.items() if value is not None}


def video(config: Config, video: str) -> st.VideoSettings:
    """Settings of a video: the run's first seed, one test task per suite."""
    known = table_cells.videos(config)
    chosen = config["videos"][_known(known, video, "video")]
    first = {suite: splits(config, suite)[1][0] for suite in known[video]}
    named = chosen["tasks"]
    entries = tuple(_entry(config, name) for name in chosen["entries"])
    return st.VideoSettings(
        **_run(config),
        video=video,
        title=chosen["title"],
        seed=config["seeds"][0],
        suites=known[video],
        tasks={suite: named.get(suite, task) for suite, task in first.items()},
        entries=entries,
        precision=config["compute"]["precision"],
        engine=config["compute"]["engine"],
        device=config["compute"]["device"],
    )


def _part(cls: type[st.Settings], values: Config, prefix: str = "") -> st.Settings:
    """The part ``cls`` of a stage's settings, from values named ``<prefix><field>``."""
    names = [field.name for field in dataclasses.fields(cls)]
    return cls(**{name: values[prefix + name] for name in names})


def _run(config: Config) -> dict[str, Any]:
    return {"run": config["run"], "run_seed": config["run_seed"]}


def _known(allowed: Any, name: str, what: str) -> str:
    if name not in allowed:
        expected = f"one of {', '.join(allowed)}"
        remedy = "choose one of these, or add it to the config"
        raise TrajpromptError(f"{what} '{name}'", "not in this run", expected, remedy)
    return name
