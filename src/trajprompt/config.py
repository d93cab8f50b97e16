"""Reading and checking a run's configuration, and cutting it into stage settings."""

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from trajprompt import pretraining_values as pretraining
from trajprompt import table_cells
from trajprompt.cell_consistency import cell_inconsistencies
from trajprompt.collect.options import relevant
from trajprompt.config_errors import (
    dotted,
    expected_by,
    found_by,
    key_path,
    origin,
    read_mapping,
    validator,
)
from trajprompt.consistency import inconsistencies, splits
from trajprompt.errors import TrajpromptError
from trajprompt.settings import stages as st
from trajprompt.settings.parsing import odd_value
from trajprompt.table_consistency import table_inconsistencies

Config = dict[str, Any]


def load(files: Sequence[str | Path]) -> Config:
    """The merged and checked configuration of ``files``; later files override."""
    merged: Config = {}
    for file in files:
        merge(merged, read_mapping(Path(file)))
    check(merged, files)
    return merged


def merge(base: Config, overlay: Mapping[str, Any]) -> None:
    """Overlay in place: mappings merge key by key, anything else is replaced."""
    for key, value in overlay.items():
        if isinstance(value, Mapping) and isinstance(base.get(key), dict):
            merge(base[key], value)
        else:
            base[key] = json.loads(json.dumps(value))


def check(config: Config, files: Sequence[str | Path] = ()) -> None:
    """Raise TrajpromptError at the first key that is unknown, ill-typed or inconsistent."""
    import jsonschema

    for file in files:
        read_mapping(Path(file))  # Snakemake lets pass what stands twice in a file
    odd = odd_value(config)
    if odd is not None:
        path, found, expected = odd
        where = f"{origin(path, config, files)}: {dotted(path)}"
        raise TrajpromptError(where, found, expected)
    error = jsonschema.exceptions.best_match(validator().iter_errors(config))
    if error is not None:
        path = key_path(error)
        where = f"{origin(path, config, files)}: {dotted(path)}"
        raise TrajpromptError(where, found_by(error), expected_by(error))
    checks = (inconsistencies, table_inconsistencies, cell_inconsistencies)
    for key, found, expected in chain.from_iterable(own(config) for own in checks):
        where = f"{origin(key.split('.'), config, files)}: {key}"
        raise TrajpromptError(where, f"found {found}", expected)


def settings_for(config: Config, cls: type[st.Settings], **coordinates: Any) -> st.Settings:
    """The settings dataclass ``cls`` of the job at ``coordinates``."""
    makers: dict[type, Callable[..., Any]] = {
        st.CollectSettings: collect,
        st.PretrainSettings: pretrain,
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
    chosen = config["collect"][suite]
    options = relevant(chosen["algorithm"], chosen["options"])
    return st.CollectSettings(
        **_run(config),
        suite=suite,
        tasks=tuple(sorted({*train, *test})),
        device=config["compute"]["device"],
        threads=config["compute"]["threads"],
        **{**chosen, "options": options},
    )


def pretrain(config: Config, suite: str, backbone: str, seed: int) -> st.PretrainSettings:
    train, _ = splits(config, _known(config["suites"], suite, "suite"))
    return st.PretrainSettings(
        **_run(config),
        suite=suite,
        backbone=_known(pretraining.names(config), backbone, "backbone"),
        kind=pretraining.kind_of(config, backbone),
        seed=seed,
        train_tasks=train,
        return_scale=config["tasks"][suite]["return_scale"],
        precision=config["compute"]["precision"],
        device=config["compute"]["device"],
        **pretraining.values(config, suite, backbone),
    )


def tune(
    config: Config, suite: str, setting: str, method: str, seed: int
) -> st.TuneSettings:
    train, test = splits(config, _known(config["suites"], suite, "suite"))
    conditions = config["settings"][_known(config["settings"], setting, "setting")]
    tuning = config["tune"]
    base = pretraining.values(config, suite, conditions["backbone"])
    chosen = tuning["methods"][_known(tuning["methods"], method, "method")]
    return st.TuneSettings(
        **_run(config),
        suite=suite,
        setting=setting,
        method=method,
        kind=chosen["kind"],
        options={**chosen["options"], **chosen.get("suite_options", {}).get(suite, {})},
        seed=seed,
        train_tasks=train,
        test_tasks=test,
        prompt_quality=conditions["prompt_quality"],
        data_quality=conditions["data_quality"],
        samples=conditions["samples"],
        **pretraining.prompt_of(config, suite, setting),
        prompts_per_task=conditions.get("prompts_per_task", tuning["prompts_per_task"]),
        demonstrations=base["demonstrations"],
        data_fraction=base["data_fraction"],
        target_return=config["tasks"][suite]["target_return"],
        **config["compute"],
    )


def evaluate(
    config: Config, suite: str, setting: str, method: str, seed: int
) -> st.EvaluateSettings:
    """Iterates on the way are played only where a figure shows them."""
    counts = {**config["evaluate"]}
    counts["curve_episodes"] *= (suite, setting, method) in table_cells.curves(config)
    return st.EvaluateSettings(
        **_run(config),
        suite=_known(config["suites"], suite, "suite"),
        setting=setting,
        method=method,
        seed=seed,
        target_return=config["tasks"][suite]["target_return"],
        **counts,
        **config["compute"],
    )


def random_policy(config: Config, suite: str) -> st.RandomPolicySettings:
    """As many episodes of every test task as a prompt is evaluated on."""
    _, test = splits(config, _known(config["suites"], suite, "suite"))
    return st.RandomPolicySettings(
        **_run(config),
        suite=suite,
        tasks=test,
        episodes=config["evaluate"]["episodes"],
        threads=config["compute"]["threads"],
    )


def report(config: Config, table: str = "") -> st.ReportSettings:
    """Of one table or figure; without a name of the whole run, every column of all."""
    if table:
        made = [*table_cells.tables(config), *table_cells.figures(config)]
        _known(made, table, "table or figure")
    columns = table_cells.columns(config, (table,) if table else None)
    shown = {suite for suites in columns.values() for suite in suites}
    entries = [
        _column(config, name) | {"suites": list(suites)} for name, suites in columns.items()
    ]
    entry = table_cells.entry(config, table) if table else {}
    return st.ReportSettings(
        **_run(config),
        suites=tuple(suite for suite in config["suites"] if suite in shown),
        seeds=tuple(config["seeds"]),
        columns=tuple(entries),
        table=table,
        title=entry.get("title", ""),
        paper=entry.get("paper", ""),
    )


def _column(config: Config, name: str) -> dict[str, Any]:
    chosen = config["columns"][name]
    return {"id": name, **{key: chosen[key] for key in ("label", "setting", "method")}}


def figure(config: Config, table: str) -> st.FigureSettings:
    """Of the figure named ``table``."""
    chosen = config["figures"][_known(config["figures"], table, "figure")]
    own = report(config, table)
    settings = sorted({column["setting"] for column in own.columns})
    methods = {column["method"] for column in own.columns}
    return st.FigureSettings(
        **vars(own),
        kind=chosen["kind"],
        baseline=chosen.get("baseline", ""),
        conditions={name: config["settings"][name] for name in settings},
        methods={method: _method_label(config, method) for method in sorted(methods)},
    )


def _method_label(config: Config, method: str) -> str:
    """A method is called as the first of the config's columns that uses it."""
    columns = config["columns"].values()
    return next(column["label"] for column in columns if column["method"] == method)


def video(config: Config, video: str) -> st.VideoSettings:
    """Of the video with this name: the run's first seed, and one test task per suite."""
    known = table_cells.videos(config)
    chosen = config["videos"][_known(known, video, "video")]
    first = {suite: splits(config, suite)[1][0] for suite in known[video]}
    named = chosen.get("tasks", {})
    columns = tuple(_column(config, name) for name in chosen["columns"])
    return st.VideoSettings(
        **_run(config),
        video=video,
        title=chosen["title"],
        seed=config["seeds"][0],
        suites=known[video],
        tasks={suite: named.get(suite, task) for suite, task in first.items()},
        columns=columns,
        precision=config["compute"]["precision"],
        device=config["compute"]["device"],
    )


def _run(config: Config) -> dict[str, Any]:
    return {"run": config["run"], "run_seed": config["run_seed"]}


def _known(allowed: Any, name: str, what: str) -> str:
    if name not in allowed:
        raise TrajpromptError(f"{what} '{name}'", "not in this run", ", ".join(allowed))
    return name
