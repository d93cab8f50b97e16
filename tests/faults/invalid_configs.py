"""Invalid configurations, most of them derived from the JSON Schema."""

import copy
import functools
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from trajprompt.config.json_schema import run_schema
from trajprompt.config.layers import lower_layers, merge, read_mapping

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = run_schema()
PLAIN = "config.yaml"


def _merged_layers() -> dict[str, Any]:
    """Papers, the evening preset and config.yaml, merged as if they were one file."""
    merged: dict[str, Any] = {}
    layers = [values for _, values in lower_layers({"preset": "evening"}, ROOT)]
    for values in (*layers, read_mapping(ROOT / PLAIN)):
        merge(merged, values)
    merged["preset"] = "laptop"  # empty where the cases are read
    # Defaults of the code, so that cases break them, too.
    merge(merged, {"run": "laptop", "run_seed": 1, "seeds": [0, 1], "figures": {}})
    published = {"train": "published", "test": "published"}
    task = {**published, "target_return": 1, "return_scale": 1}
    merged["tasks"] = {suite: {**task} for suite in merged["suites"]}
    return merged


DEFAULT = _merged_layers()
OTHER_TYPES: dict[str, Any] = {
    "integer": 7.0,
    "number": "many",
    "string": 7,
    "boolean": "many",
    "array": {"a": 1},
    "object": [1],
    "null": "x",
}
HUGE = 10**13
HARMLESS = ("greedy_episodes", "random_episodes", "medium_noise")  # even if huge
FALLBACKS = ("preset", "papers", "run", "tasks")  # may be missing
# Key in the error if a section is missing: the first one that refers to it.
NEEDED_BY = {
    "conditions": "conditions.medium-prompt.like",
    "entries": "tables.ptdt_table1.entries.0",
}
KINDS = (
    "another type",
    "null",
    "an unlisted word",
    "an ill-formed name",
    "beyond a bound",
    "a list with too few or duplicate items",
    "a missing key",
    "found an unknown key",
    "an option of another type",
    "an option beyond a bound",
    "an unknown option",
    "keys that contradict each other",
    "a file that is not a configuration",
)


@dataclass(frozen=True)
class Case:
    """An invalid configuration; its error names the file, any ``key`` and ``words``."""

    kind: str
    name: str
    text: str
    key: str
    words: tuple[str, ...] = ()


def cases() -> list[Case]:
    """Cases of all kinds, without duplicate texts."""
    found = (*_from_schema(), *_from_options(), *_contradictions(), *_texts())
    return list({case.text: case for case in found}.values())


def by_kind() -> dict[str, list[Case]]:
    found: dict[str, list[Case]] = {kind: [] for kind in KINDS}
    for case in cases():
        found[case.kind].append(case)
    return found


def changed(path: list[Any], value: Any) -> str:
    """The default configuration with one key set, or removed if value is `...`."""
    config = copy.deepcopy(DEFAULT)
    node = config
    for part in path[:-1]:
        node = node.setdefault(part, {}) if isinstance(node, dict) else node[part]
    if value is ...:
        del node[path[-1]]
    else:
        node[path[-1]] = value
    return yaml.dump(config, Dumper=yaml.CSafeDumper, allow_unicode=True, sort_keys=False)


def _case(kind: str, path: list[Any], value: Any, key: str = "", *words: str) -> Case:
    """A case with one changed key; its error names ``key``, by default the changed one."""
    shown = "removed" if value is ... else json.dumps(value)[:40]
    dotted = ".".join(map(str, path))
    return Case(kind, f"{dotted}: {shown}", changed(path, value), key or dotted, words)


def _resolved(rule: dict[str, Any]) -> dict[str, Any]:
    """The rule with its $ref resolved; of several alternatives, the first."""
    target = rule.get("$ref", "").rpartition("/")[2]
    rule = {**SCHEMA["$defs"].get(target, {}), **rule}
    allowed = rule.pop("anyOf", None)
    if not allowed:
        return rule
    others = [choice for choice in allowed if choice.get("type") != "null"]
    nullable = len(others) < len(allowed)
    return {**_resolved(others[0]), **rule, "several": len(others) > 1, "null": nullable}


def _from_schema() -> Iterator[Case]:
    yield from _broken(_resolved(SCHEMA), DEFAULT, [])
    yield _case("beyond a bound", ["tasks", "reach", "target_return"], math.inf)
    yield _case("beyond a bound", ["pretrain", "learning_rate"], math.nan)


def _broken(rule: dict[str, Any], value: Any, path: list[Any]) -> Iterator[Case]:
    """Cases that break the rule of a value, then the rules of values inside it."""
    if path:
        yield from _wrong_values(rule, value, path)
    if isinstance(value, dict):
        yield from _broken_mapping(rule, value, path)
    elif isinstance(value, list) and "items" in rule and value:
        yield from _broken(_resolved(rule["items"]), value[0], [*path, 0])


def _wrong_values(rule: dict[str, Any], value: Any, path: list[Any]) -> Iterator[Case]:
    if not rule.get("several"):
        yield _case("another type", path, OTHER_TYPES[rule["type"]])
    if not rule.get("null"):
        yield _case("null", path, None)
    if not isinstance(value, dict):
        yield _case("another type", path, {"x": 1})
    if "enum" in rule or "const" in rule:
        for word in ("sac\n", "No Such Name"):
            yield _case("an unlisted word", path, word)
    elif "pattern" in rule:
        yield _case("an ill-formed name", path, "sac\n")
        if "a-z" in rule["pattern"]:
            yield _case("an ill-formed name", path, "No Such Name")
    for bound, step in (("minimum", -1), ("maximum", 1)):
        if bound in rule and not rule.get("several"):
            yield _case("beyond a bound", path, rule[bound] + step)
    for bound in ("exclusiveMinimum", "exclusiveMaximum"):
        if bound in rule:
            yield _case("beyond a bound", path, rule[bound])
    few = "a list with too few or duplicate items"
    if isinstance(value, list) and rule.get("minItems"):
        yield _case(few, path, [])
    if isinstance(value, list) and rule.get("uniqueItems"):
        yield _case(few, path, [value[0], value[0]])


def _broken_mapping(
    rule: dict[str, Any], value: dict[str, Any], path: list[Any]
) -> Iterator[Case]:
    for name in () if "like" in value else rule.get("required", ()):
        if name in value and not (path[:1] == ["tasks"] or name in ("kind", *FALLBACKS)):
            needed = NEEDED_BY.get(name, "") if not path else ""
            yield _case("a missing key", [*path, name], ..., needed)
    known, other = rule.get("properties", {}), rule.get("additionalProperties", {})
    other = next(iter(rule.get("patternProperties", {}).values()), other)
    if other is False or "propertyNames" in rule or "patternProperties" in rule:
        yield _case("found an unknown key", [*path, "Colour"], 1)
    for name, inner in known.items():
        if name in value:
            yield from _broken(_resolved(inner), value[name], [*path, name])
    if isinstance(other, dict) and other:  # {} allows anything
        for name in [name for name in value if name not in known][:2]:
            yield from _broken(_resolved(other), value[name], [*path, name])


def _from_options() -> Iterator[Case]:
    """Cases of options, which dataclasses define instead of the schema."""
    places = [["collect", suite, "options"] for suite in DEFAULT["suites"]]
    methods = DEFAULT["methods"]
    places += [["methods", name, "options"] for name in methods]
    for path in places:
        yield _case("an unknown option", [*path, "colour"], 1)
        node = DEFAULT
        for part in path:
            node = node.get(part, {})
        for name, value in node.items():
            option = [*path, name]
            yield _case("an option of another type", option, [1])
            if isinstance(value, bool | str):
                yield _case("an option of another type", option, 7)
            else:
                yield _case("an option of another type", option, "7")
                yield _case("an option beyond a bound", option, -1)
                if name not in HARMLESS:
                    yield _case("an option beyond a bound", option, HUGE)


def _contradictions() -> Iterator[Case]:
    """Cases of values that are valid separately, but not together."""
    contradiction = functools.partial(_case, "keys that contradict each other")
    entry, table = ["entries", "prompt-dt"], ["tables", "ptdt_table1"]
    for suite, last in (("cheetah-vel", 39), ("ant-dir", 49), ("reach", 20)):
        yield contradiction(["tasks", suite, "test"], [last + 40])
        yield contradiction(["tasks", suite, "train"], [0, last + 40])
    yield contradiction(["tasks", "cheetah-vel", "train"], [3, 7], "tasks.cheetah-vel.test")
    yield contradiction(["tasks", "reach", "test"], [1], "tasks.reach.test")
    yield contradiction(["pretrain", "prompt_length"], 82, "", "of reach")
    yield contradiction(["pretrain", "suites", "reach", "prompt_length"], 90)
    yield contradiction(["conditions", "expert", "prompt_length"], 150)
    large = {"prompt_segments": 40, "prompt_length": 20}
    condition = {**DEFAULT["conditions"]["expert"], **large}
    yield contradiction(
        ["conditions", "expert"],
        condition,
        "conditions.expert.prompt_segments",
        "of 20 steps",
    )
    yield contradiction(["conditions", "expert", "backbone"], "magic")
    variants = ["backbones"]
    yield contradiction(variants, {"mt-orl": {"kind": "mt-orl"}}, "backbones.mt-orl")
    yield contradiction(variants, {"pairs": {"kind": "magic"}}, "backbones.pairs.kind")
    yield contradiction(["pretrain", "warmup_steps"], 601)
    yield contradiction(["pretrain", "suites", "reach", "warmup_steps"], 1201)
    yield contradiction(["pretrain", "validation_every"], 1001)
    yield contradiction(["pretrain", "suites", "reach", "validation_every"], 600)
    yield contradiction(["pretrain", "demonstrations"], 49)
    yield contradiction(["pretrain", "suites", "reach", "demonstrations"], 31)
    varied = ["evaluate", "suites", "ant-dir"]
    yield contradiction(
        varied, {"varied_starts": True}, "evaluate.suites.ant-dir.varied_starts"
    )
    yield contradiction(["conditions", "expert", "samples"], 411)
    yield contradiction(["conditions", "mt-bc", "samples"], 99_999)
    yield contradiction(["collect", "reach", "algorithm"], "sac")
    yield contradiction(["collect", "ant-dir", "algorithm"], "scripted")
    yield contradiction(
        ["collect", "cheetah-dir", "algorithm"],
        "td3",
        "collect.cheetah-dir.options.initial_temperature",
    )
    yield contradiction(["collect", "reach", "quality_episodes"], 31)
    yield contradiction(["collect", "ant-dir", "quality_episodes"], 49)
    yield contradiction(["collect", "reach", "options", "episodes"], 91)
    yield contradiction(
        ["collect", "ant-dir", "options", "greedy_episodes"],
        47,
        "collect.ant-dir.options.episodes_per_task",
    )
    yield contradiction(["suites"], ["ant-dir", "ant-dir"])
    yield contradiction(["methods", "none", "kind"], ..., "methods.none.kind")
    yield contradiction(["methods", "none", "kind"], "magic")
    for part, name in (("methods", "cma-es"), ("conditions", "mt-bc")):
        yield contradiction([part, name, "like"], "magic")
        yield contradiction([part, name, "like"], name)
    yield contradiction(["grids", "ft"], {"label": "x"})
    yield contradiction([*table, "paper"], "magic")
    yield contradiction([*table, "entries"], ["grid magic"], "tables.ptdt_table1.entries.0")
    yield contradiction(["preset"], "magic")
    yield contradiction(["papers"], "nowhere", "", "nowhere")
    yield contradiction(["like"], "smoke")
    yield contradiction(["methods", "none", "kind"], "protocol")
    yield contradiction(["methods", "ptdt-online", "options", "ranked"], 16)
    wrong = {"reach": {"ranked": 16}}
    path = ["methods", "ptdt-online", "suite_options"]
    yield contradiction(path, wrong, "methods.ptdt-online.suite_options.reach.ranked")
    yield contradiction(path, {"moon": {}}, "methods.ptdt-online.suite_options.moon")
    yield contradiction([*entry, "method"], "magic")
    yield contradiction([*entry, "condition"], "magic")
    yield contradiction([*table, "entries"], ["magic"], "tables.ptdt_table1.entries.0")
    figure = ["figures", "pd_figure3"]
    yield contradiction([*figure, "entries"], ["magic"], "figures.pd_figure3.entries.0")
    yield contradiction([*figure, "baseline"], "mt-orl")
    yield contradiction([*figure, "kind"], "magic")
    yield contradiction(["report"], ["magic"], "report.0")
    for method in ("ptdt-offline", "ptdt-online", "ptdt-offline-literal", "soft-prompt"):
        found = {"label": "x", "condition": "mt-orl", "method": method}
        yield contradiction(
            entry, found, "entries.prompt-dt.method", "tunes prompts", "mt-orl"
        )
    for suite in DEFAULT["suites"]:
        yield contradiction(["collect", suite], ...)


def _text(name: str, text: str, key: str, *words: str) -> Case:
    return Case("a file that is not a configuration", name, text, key, words)


def _texts() -> Iterator[Case]:
    """Cases of files that are not configurations, or that expand to huge ones."""
    valid = (ROOT / "config.yaml").read_text()
    bomb = "\n".join(
        f"b{n}: &b{n} [{', '.join([f'*b{n - 1}'] * 9) if n else 1}]" for n in range(9)
    )
    twice = f"{valid}\nrun_seed: 1\nrun_seed: 2\n"
    yield _text("a duplicate key", twice, "", "run_seed", "duplicate key")
    inner = valid.replace("threads: 1 #", "threads: 1\n  threads: 2 #")
    yield _text("a duplicate inner key", inner, "", "threads", "duplicate key")
    yield _text("aliases that multiply", f"{valid}\n{bomb}\n", "", "values")
    yield _text("an alias in itself", f"{valid}\nx: &x [*x]\n", "", "contains itself")
    dated = f"{valid}\nrun_seed: 2026-01-01\n"
    yield _text("a date", dated, "run_seed", "date")
    yield _text("a number as key", f"{valid}\n7: 1\n", "7")
    yield _text("a template", f"{valid}\n__use_yte__: true\n", "__use_yte__")
    for name, written in {
        "a list": "- a\n- b\n",
        "a text": "laptop\n",
        "an open list": "a: [\n",
        "a tab": "a:\n\tb: 1\n",
        "an unknown alias": "a: *b\n",
        "a Python object": "a: !!python/object/apply:os.system [id]\n",
        "deep lists": "a: " + "[" * 5000 + "]" * 5000,
        "two documents": "a: 1\n---\nb: 2\n",
        "a control character": "a: \x01\n",
        "an empty file": "# nothing\n",
    }.items():
        yield _text(name, written, "")
