"""Reading and checking a run's configuration, and cutting it into stage settings."""

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from trajprompt import settings as st
from trajprompt.collect.options import relevant
from trajprompt.consistency import inconsistencies, splits
from trajprompt.errors import TrajpromptError

Config = dict[str, Any]


def load(files: Sequence[str | Path]) -> Config:
    """The merged and checked configuration of ``files``; later files override."""
    merged: Config = {}
    for file in files:
        merge(merged, _read_yaml(Path(file)))
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

    errors = jsonschema.Draft202012Validator(_schema()).iter_errors(config)
    error = jsonschema.exceptions.best_match(errors)
    if error is not None:
        path = _path(error)
        where = f"{_origin(path, config, files)}: {'.'.join(map(str, path)) or 'top level'}"
        found = (
            "an unknown key"
            if _is_unknown_key(error)
            else f"found {_short(error.instance)}"
        )
        raise TrajpromptError(where, found, _expected(error))
    for key, found, expected in inconsistencies(config):
        path = key.split(".")
        raise TrajpromptError(
            f"{_origin(path, config, files)}: {key}", f"found {found}", expected
        )


def cells(config: Config) -> list[tuple[str, str, str]]:
    """Every (suite, setting, method) that some table asks for, each once."""
    found: dict[tuple[str, str, str], None] = {}
    for table in config["tables"].values():
        for column in table["columns"]:
            for suite in column.get("suites", config["suites"]):
                if suite in config["suites"]:
                    found[suite, column["setting"], column["method"]] = None
    return list(found)


def settings_for(config: Config, cls: type[st.Settings], **coordinates: Any) -> st.Settings:
    """The settings dataclass ``cls`` of the job at ``coordinates``."""
    makers: dict[type, Callable[..., Any]] = {
        st.CollectSettings: collect,
        st.PretrainSettings: pretrain,
        st.TuneSettings: tune,
        st.EvaluateSettings: evaluate,
        st.ReportSettings: report,
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
    chosen = config["pretrain"]
    return st.PretrainSettings(
        **_run(config),
        suite=suite,
        backbone=backbone,
        seed=seed,
        train_tasks=train,
        return_scale=config["tasks"][suite]["return_scale"],
        precision=config["compute"]["precision"],
        device=config["compute"]["device"],
        **{**chosen["defaults"], **chosen["suites"].get(suite, {})},
    )


def tune(
    config: Config, suite: str, setting: str, method: str, seed: int
) -> st.TuneSettings:
    _, test = splits(config, _known(config["suites"], suite, "suite"))
    conditions = config["settings"][_known(config["settings"], setting, "setting")]
    chosen = config["tune"]["methods"][_known(config["tune"]["methods"], method, "method")]
    base = {**config["pretrain"]["defaults"], **config["pretrain"]["suites"].get(suite, {})}
    return st.TuneSettings(
        **_run(config),
        suite=suite,
        setting=setting,
        method=method,
        kind=chosen["kind"],
        options={**chosen["options"], **chosen.get("suite_options", {}).get(suite, {})},
        seed=seed,
        test_tasks=test,
        prompt_quality=conditions["prompt_quality"],
        data_quality=conditions["data_quality"],
        samples=conditions["samples"],
        prompt_length=conditions.get("prompt_length", base["prompt_length"]),
        prompts_per_task=config["tune"]["prompts_per_task"],
        demonstrations=base["demonstrations"],
        data_fraction=base["data_fraction"],
        target_return=config["tasks"][suite]["target_return"],
        **config["compute"],
    )


def evaluate(
    config: Config, suite: str, setting: str, method: str, seed: int
) -> st.EvaluateSettings:
    return st.EvaluateSettings(
        **_run(config),
        suite=_known(config["suites"], suite, "suite"),
        setting=setting,
        method=method,
        seed=seed,
        target_return=config["tasks"][suite]["target_return"],
        **config["evaluate"],
        **config["compute"],
    )


def report(config: Config) -> st.ReportSettings:
    return st.ReportSettings(
        **_run(config),
        suites=tuple(config["suites"]),
        seeds=tuple(config["seeds"]),
        columns=tuple(config["tables"]["table1"]["columns"]),
    )


def _run(config: Config) -> dict[str, Any]:
    return {"run": config["run"], "run_seed": config["run_seed"]}


def _known(allowed: Any, name: str, what: str) -> str:
    if name not in allowed:
        raise TrajpromptError(f"{what} '{name}'", "not in this run", ", ".join(allowed))
    return name


def _read_yaml(file: Path) -> Config:
    import yaml

    try:
        values = yaml.safe_load(file.read_text())
    except FileNotFoundError as error:
        raise TrajpromptError(
            file, "no such config file", "an existing YAML file"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        message = " ".join(str(error).split())
        raise TrajpromptError(file, f"not YAML ({message})", "a YAML mapping") from error
    if not isinstance(values, dict):
        raise TrajpromptError(file, f"found {_short(values)}", "a YAML mapping")
    return values


@functools.cache
def _schema() -> Config:
    root = Path(__file__).resolve().parents[2]
    return _read_yaml(root / "workflow" / "schemas" / "config.schema.yaml")


def _origin(path: Sequence[Any], config: Config, files: Sequence[str | Path]) -> str:
    """Who set the key at ``path``: the last file with that value, else the command line.

    For a key that is missing, who set what should hold it.
    """
    while path and not _has(path, config):
        path = path[:-1]
    for file in reversed(files):
        try:
            if _at(path, _read_yaml(Path(file))) == _at(path, config):
                return str(file)
        except (KeyError, IndexError, TypeError, ValueError):
            continue
    return "command line"


def _has(path: Sequence[Any], node: Any) -> bool:
    try:
        _at(path, node)
    except (KeyError, IndexError, TypeError, ValueError):
        return False
    return True


def _at(path: Sequence[Any], node: Any) -> Any:
    for part in path:
        node = node[int(part) if isinstance(node, list) else part]
    return node


def _is_unknown_key(error: Any) -> bool:
    return error.validator == "additionalProperties"


def _path(error: Any) -> list[Any]:
    """Where a jsonschema error is; for an unknown key, the path of that key."""
    path = list(error.absolute_path)
    if _is_unknown_key(error):
        path.append(min(set(error.instance) - set(error.schema["properties"])))
    return path


def _expected(error: Any) -> str:
    """A jsonschema error as 'expected …'."""
    rule, value = error.validator, error.validator_value
    if _is_unknown_key(error):
        allowed = sorted(error.schema.get("properties", {}))
        return f"only the keys {', '.join(allowed)}"
    if rule == "required":
        missing = sorted(set(value) - set(error.instance))
        return f"the missing key(s) {', '.join(missing)}"
    if rule == "enum":
        return f"one of {', '.join(str(item) for item in value)}"
    if rule == "type":
        hint = " (write 1.0e-4, not 1e-4)" if isinstance(error.instance, str) else ""
        return f"{value}{hint}"
    descriptions = {
        "minimum": "at least",
        "maximum": "at most",
        "exclusiveMinimum": "more than",
    }
    if rule in descriptions:
        return f"{descriptions[rule]} {value}"
    return str(error.schema.get("description", f"{rule} {_short(value)}"))


def _short(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 80 else text[:77] + "..."
