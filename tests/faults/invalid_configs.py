"""Configurations that have to be refused, most of them derived from the JSON Schema."""

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trajprompt.config.json_schema import run_schema
from trajprompt.config.layers import lower_layers, merge, read_mapping

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = run_schema()
PLAIN = "config.yaml"


def _whole() -> dict[str, Any]:
    """All that papers, the laptop preset and config.yaml say, as one file could say it."""
    merged: dict[str, Any] = {}
    layers = [values for _, values in lower_layers({}, ROOT)]
    for values in (*layers, read_mapping(ROOT / PLAIN)):
        merge(merged, values)
    # What the code has as defaults, to be broken, too.
    merge(merged, {"run": "laptop", "seeds": [0, 1, 2], "figures": {}})
    published = {"train": "published", "test": "published"}
    task = {**published, "target_return": 1, "return_scale": 1}
    merged["tasks"] = {suite: {**task} for suite in merged["suites"]}
    return merged


DEFAULT = _whole()
OTHER_TYPES: dict[str, Any] = {
    "integer": 7.0,
    "number": "many",
    "string": 7,
    "array": {"a": 1},
    "object": [1],
    "null": "x",
}
HUGE = 10**13
HARMLESS = ("greedy_episodes", "random_episodes", "medium_noise")  # if huge
FALLBACKS = ("preset", "papers", "run", "tasks")  # other keys say what they would


@dataclass(frozen=True)
class Case:
    """``words`` are what the error has to name, besides the file."""

    name: str
    text: str
    words: tuple[str, ...]


def cases() -> list[Case]:
    found = {case.text: case for case in (*_from_schema(), *_from_options())}
    found |= {case.text: case for case in (*_contradictions(), *_texts())}
    return list(found.values())


def changed(path: list[Any], value: Any) -> str:
    """The default configuration with one key set, or removed where value is `...`."""
    config = copy.deepcopy(DEFAULT)
    node = config
    for part in path[:-1]:
        node = node.setdefault(part, {}) if isinstance(node, dict) else node[part]
    if value is ...:
        del node[path[-1]]
    else:
        node[path[-1]] = value
    return json.dumps(config, indent=1, ensure_ascii=False)


def _case(path: list[Any], value: Any, *words: str) -> Case:
    shown = "removed" if value is ... else json.dumps(value)[:40]
    dotted = ".".join(map(str, path))
    return Case(f"{dotted}: {shown}", changed(path, value), words or (dotted,))


def _resolved(rule: dict[str, Any]) -> dict[str, Any]:
    """The rule with what its $ref says, or the first of several that are allowed."""
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


def _broken(rule: dict[str, Any], value: Any, path: list[Any]) -> Iterator[Case]:
    """Every way of breaking the rule of one value, then of those inside it."""
    if path:
        yield from _wrong_values(rule, value, path)
    if isinstance(value, dict):
        yield from _broken_mapping(rule, value, path)
    elif isinstance(value, list) and "items" in rule and value:
        yield from _broken(_resolved(rule["items"]), value[0], [*path, 0])


def _wrong_values(rule: dict[str, Any], value: Any, path: list[Any]) -> Iterator[Case]:
    if not rule.get("several"):
        yield _case(path, OTHER_TYPES[rule["type"]])
    if not rule.get("null"):
        yield _case(path, None)
    if not isinstance(value, dict):
        yield _case(path, {"x": 1})
    if "enum" in rule or "const" in rule or "pattern" in rule:
        yield _case(path, "sac\n")
    if "enum" in rule or "a-z" in rule.get("pattern", ""):
        yield _case(path, "No Such Name")
    for bound, step in (("minimum", -1), ("maximum", 1)):
        if bound in rule and not rule.get("several"):
            yield _case(path, rule[bound] + step)
    if "exclusiveMinimum" in rule:
        yield _case(path, rule["exclusiveMinimum"])
    if "exclusiveMaximum" in rule:
        yield _case(path, rule["exclusiveMaximum"])
    if isinstance(value, list) and rule.get("minItems"):
        yield _case(path, [])
    if isinstance(value, list) and rule.get("uniqueItems"):
        yield _case(path, [value[0], value[0]])


def _broken_mapping(
    rule: dict[str, Any], value: dict[str, Any], path: list[Any]
) -> Iterator[Case]:
    for name in () if "like" in value else rule.get("required", ()):
        if name in value and not (path[:1] == ["tasks"] or name in ("kind", *FALLBACKS)):
            yield _case([*path, name], ..., name)
    known, other = rule.get("properties", {}), rule.get("additionalProperties", {})
    other = next(iter(rule.get("patternProperties", {}).values()), other)
    if other is False or "propertyNames" in rule or "patternProperties" in rule:
        yield _case([*path, "Colour"], 1)
    for name, inner in known.items():
        if name in value:
            yield from _broken(_resolved(inner), value[name], [*path, name])
    if isinstance(other, dict) and other:  # {} allows anything
        for name in [name for name in value if name not in known][:2]:
            yield from _broken(_resolved(other), value[name], [*path, name])


def _from_options() -> Iterator[Case]:
    """Options stand in dataclasses instead of the schema."""
    places = [["collect", suite, "options"] for suite in DEFAULT["suites"]]
    methods = DEFAULT["methods"]
    places += [["methods", name, "options"] for name in methods]
    for path in places:
        yield _case([*path, "colour"], 1)
        node = DEFAULT
        for part in path:
            node = node.get(part, {})
        for name, value in node.items():
            yield _case([*path, name], [1])
            if isinstance(value, bool | str):
                yield _case([*path, name], 7)
            else:
                yield _case([*path, name], "7")
                yield _case([*path, name], -1)
                if name not in HARMLESS:
                    yield _case([*path, name], HUGE)


def _contradictions() -> Iterator[Case]:
    """Values that are fine alone, and cannot be together."""
    entry, table = ["entries", "prompt-dt"], ["tables", "ptdt_table1"]
    for suite, last in (("cheetah-vel", 39), ("ant-dir", 49), ("reach", 20)):
        yield _case(["tasks", suite, "test"], [last + 40])
        yield _case(["tasks", suite, "train"], [0, last + 40])
    yield _case(["tasks", "cheetah-vel", "train"], [3, 7], "tasks.cheetah-vel.test")
    yield _case(["tasks", "reach", "test"], [1], "tasks.reach.test")
    yield _case(["pretrain", "prompt_length"], 82, "prompt_length", "reach")
    yield _case(["pretrain", "suites", "reach", "prompt_length"], 90)
    yield _case(["conditions", "expert", "prompt_length"], 150)
    large = {"prompt_segments": 40, "prompt_length": 20}
    condition = {**DEFAULT["conditions"]["expert"], **large}
    yield _case(
        ["conditions", "expert"], condition, "expert.prompt_segments", "of 20 steps"
    )
    yield _case(["conditions", "expert", "backbone"], "magic")
    variants = ["backbones"]
    yield _case(variants, {"mt-orl": {"kind": "mt-orl"}}, "backbones.mt-orl")
    yield _case(variants, {"pairs": {"kind": "magic"}}, "backbones.pairs.kind")
    yield _case(["pretrain", "warmup_steps"], 501)
    yield _case(["pretrain", "suites", "reach", "warmup_steps"], 501)
    yield _case(["pretrain", "validation_every"], 1001)
    yield _case(["pretrain", "suites", "reach", "validation_every"], 600)
    yield _case(["pretrain", "demonstrations"], 49)
    yield _case(["pretrain", "suites", "reach", "demonstrations"], 31)
    yield _case(["evaluate", "curve_episodes"], 11)
    yield _case(["conditions", "expert", "samples"], 411)
    yield _case(["conditions", "mt-bc", "samples"], 99_999)
    yield _case(["collect", "reach", "algorithm"], "sac")
    yield _case(["collect", "ant-dir", "algorithm"], "scripted")
    yield _case(["collect", "cheetah-dir", "algorithm"], "td3", "collect.cheetah-dir")
    yield _case(["collect", "reach", "quality_episodes"], 31)
    yield _case(["collect", "ant-dir", "quality_episodes"], 49)
    yield _case(["collect", "reach", "options", "episodes"], 91)
    yield _case(
        ["collect", "ant-dir", "options", "greedy_episodes"], 47, "episodes_per_task"
    )
    yield _case(["suites"], ["ant-dir", "ant-dir"])
    yield _case(["methods", "none", "kind"], ..., "entries.prompt-dt.method", "none")
    yield _case(["methods", "none", "kind"], "magic")
    for part, name in (("methods", "cma-es"), ("conditions", "mt-bc")):
        yield _case([part, name, "like"], "magic")
        yield _case([part, name, "like"], name)
    yield _case(["grids", "ft"], {"label": "x"})
    yield _case([*table, "paper"], "magic")
    yield _case([*table, "entries"], ["grid magic"], "tables.ptdt_table1.entries.0")
    yield _case(["preset"], "magic")
    yield _case(["papers"], "nowhere", "papers", "nowhere")
    yield _case(["like"], "smoke")
    yield _case(["methods", "none", "kind"], "protocol")
    yield _case(["methods", "ptdt-online", "options", "ranked"], 16)
    wrong = {"reach": {"ranked": 16}}
    path = ["methods", "ptdt-online", "suite_options"]
    yield _case(path, wrong, "ptdt-online.suite_options.reach.ranked")
    yield _case(path, {"moon": {}}, "ptdt-online.suite_options.moon")
    yield _case([*entry, "method"], "magic", "entries.prompt-dt.method")
    yield _case([*entry, "condition"], "magic", "entries.prompt-dt.condition")
    yield _case([*table, "entries"], ["magic"], "tables.ptdt_table1.entries.0")
    figure = ["figures", "pd_figure3"]
    yield _case([*figure, "entries"], ["magic"], "figures.pd_figure3.entries.0")
    yield _case([*figure, "baseline"], "mt-orl", "figures.pd_figure3.baseline")
    yield _case([*figure, "kind"], "magic", "figures.pd_figure3.kind")
    yield _case(["report"], ["magic"], "report.0")
    for method in ("ptdt-offline", "ptdt-online", "ptdt-offline-literal", "soft-prompt"):
        found = {"label": "x", "condition": "mt-orl", "method": method}
        yield _case(entry, found, "entries.prompt-dt.method", "moves prompts", "mt-orl")
    yield _case(["tasks", "reach", "target_return"], float("inf"))
    yield _case(["pretrain", "learning_rate"], float("nan"))
    for suite in DEFAULT["suites"]:
        yield _case(["collect", suite], ..., f"collect.{suite}")


def _texts() -> Iterator[Case]:
    """Files that are no configuration, or that stand for much more than they hold."""
    whole = (ROOT / "config.yaml").read_text()
    bomb = "\n".join(
        f"b{n}: &b{n} [{', '.join([f'*b{n - 1}'] * 9) if n else 1}]" for n in range(9)
    )
    yield Case("a key twice", f"{whole}\nrun_seed: 1\n", ("run_seed", "second time"))
    inner = whole.replace("threads: 1 #", "threads: 1\n  threads: 2 #")
    yield Case("an inner key twice", inner, ("threads", "second time"))
    yield Case("aliases that multiply", f"{whole}\n{bomb}\n", ("values",))
    yield Case("an alias in itself", f"{whole}\nx: &x [*x]\n", ("alias within itself",))
    dated = whole.replace("run_seed: 2305", "run_seed: 2026-01-01")
    yield Case("a date", dated, ("run_seed", "date"))
    yield Case("a number as key", f"{whole}\n7: 1\n", ("7",))
    yield Case("a template", f"{whole}\n__use_yte__: true\n", ("__use_yte__",))
    for name, text in {
        "a list": "- a\n- b\n",
        "a text": "laptop\n",
        "an open list": "a: [\n",
        "a tab": "a:\n\tb: 1\n",
        "an unknown alias": "a: *b\n",
        "a Python object": "a: !!python/object/apply:os.system [id]\n",
        "deep lists": "a: " + "[" * 5000 + "]" * 5000,
        "two documents": "a: 1\n---\nb: 2\n",
        "a control character": "a: \x01\n",
        "nothing": "# nothing\n",
    }.items():
        yield Case(name, text, ())
