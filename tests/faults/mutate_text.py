"""Damage specific to JSON, CSV, YAML and the header of safetensors."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np

Generator = np.random.Generator
Damage = Callable[[bytes, Generator], bytes]
MARK = "HERE-IT-IS"
# JSON texts, among them too deep and too long ones and numbers beyond any type.
BAD_JSON = (
    ("null", "true", "-1", "0", "1.5", "1e999", "-1e308", "NaN", "Infinity", "1000000000")
    + ("9" * 5000, "18446744073709551616", '""', '"x"', '"\\ud800"', '"\\u001b[2J"')
    + ("[]", "{}", "[[1]]", "[" * 100_000, '{"a":' * 2000 + "1" + "}" * 2000, "[NaN]")
    + ('"' + "x" * 100_000 + '"', '"../../../etc/passwd"', "\"__import__('os')\"", "[-1]")
    + ("[1000000000,1000000000]", '{"__class__": "os.system"}', "1_000", "0x10")
)
BAD_CELLS = BAD_JSON + ("", '"', "nan", "-inf", "None", "True", "=1+1", "é", "1,2", "\r")
BAD_YAML = (
    ("!!python/object/apply:os.system [id]", "!!python/name:os.system", "!!int ''")
    + ("!!bool maybe", "!!timestamp x", "!!binary aGk=", "!!set {a, b}", "2020-01-01")
    + (".inf", ".nan", "~", "0x" + "f" * 5000, "1:60:60", "*undefined", "&a [*a]", "- - -")
    + ("{<<: {run: x}}", "? [a, b]", "{1: 2}", "{? {a: 1} : 2}", "|", "'", "@", "%")
    + ("[" * 3000, "{a: " * 500, "- " * 2000, "!!omap [a: 1]", "1e-4", "\t", "yes")
)
BOMB = "\n".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9) if n else 'lol'}]" for n in range(12)
)
MERGE_BOMB = "\n".join(
    f"m{n}: &m{n} {{<<: [{', '.join([f'*m{n - 1}'] * 9)}]}}" if n else "m0: &m0 {a: 1}"
    for n in range(12)
)


def _leaves(node: Any, path: tuple = ()) -> list[tuple]:
    """Paths of all values, including inner ones."""
    if not isinstance(node, dict | list):
        return [path]
    items = node.items() if isinstance(node, dict) else enumerate(node)
    return [path, *(p for key, value in items for p in _leaves(value, (*path, key)))]


def _at(node: Any, path: tuple) -> Any:
    for part in path:
        node = node[part]
    return node


def _pick(options: tuple, generator: Generator) -> Any:
    return options[int(generator.integers(len(options)))]


def change_tree(root: Any, generator: Generator) -> Any:
    """Change, remove, rename or copy one value; MARK is the place of an unusual one."""
    paths = _leaves(root)[1:]
    *parents, last = paths[int(generator.integers(len(paths)))]
    parent: Any = _at(root, tuple(parents))
    action = int(generator.integers(5))
    if action == 0:
        del parent[last]
    elif action == 1 and isinstance(parent, dict):
        parent[f"{last}x"] = parent.pop(last)
    elif action == 2:
        other = paths[int(generator.integers(len(paths)))]
        found = _at(root, other) if other[: len(parents)] != tuple(parents) else 0
        parent[last] = json.loads(json.dumps(found))
    else:
        parent[last] = MARK
    return root


def _json_text(root: Any, generator: Generator) -> str:
    text = json.dumps(change_tree(root, generator))
    return text.replace(json.dumps(MARK), _pick(BAD_JSON, generator))


def change_json(data: bytes, generator: Generator) -> bytes:
    return _json_text(json.loads(data), generator).encode(errors="surrogatepass")


def change_yaml(data: bytes, generator: Generator) -> bytes:
    import yaml

    text = yaml.safe_dump(change_tree(yaml.safe_load(data), generator), sort_keys=False)
    unusual = _pick((*BAD_YAML, *BAD_JSON), generator)
    return text.replace(MARK, unusual).encode(errors="surrogatepass")


def yaml_lines(data: bytes, generator: Generator) -> bytes:
    """Insert a copied or indented line, an alias bomb, a document or a template mark."""
    lines = data.decode().split("\n")
    at, to = (int(n) for n in generator.integers(len(lines), size=2))
    extra = (
        lines[at],
        f"  {lines[at]}",
        BOMB,
        MERGE_BOMB,
        "---",
        "<<: *x",
        "__use_yte__: true",
    )
    lines.insert(to, _pick(extra, generator))
    return "\n".join(lines).encode()


def change_cells(data: bytes, generator: Generator) -> bytes:
    rows = [line.split(",") for line in data.decode().splitlines()]
    for _ in range(int(generator.integers(1, 4))):
        row = rows[int(generator.integers(len(rows)))]
        row[int(generator.integers(len(row)))] = _pick(BAD_CELLS, generator)
    text = "\n".join(map(",".join, rows))
    return text.encode(errors="surrogatepass")


def change_columns(data: bytes, generator: Generator) -> bytes:
    rows = [line.split(",") for line in data.decode().splitlines()]
    count = len(rows[0])
    order = {
        0: [n for n in range(count) if n != generator.integers(count)],
        1: generator.permutation(count).tolist(),
        2: [*range(count), 0],
        3: [0] * 20_000,
    }[int(generator.integers(4))]
    return "\n".join(",".join(row[n % len(row)] for n in order) for row in rows).encode()


def change_rows(data: bytes, generator: Generator) -> bytes:
    lines = data.decode().splitlines()
    at = int(generator.integers(len(lines)))
    lines[at:at] = _pick(
        ([lines[at]], [""], [lines[at] + ",1"], ["x"], ["\ufeff"]), generator
    )
    if generator.random() < 0.3:
        lines = [line + ",1" for line in lines[:1]] + [line + ",1,2" for line in lines[1:]]
    return _pick(("\n", "\r\n", "\r", "\x00\n", "\n\n"), generator).join(lines).encode()


def change_header(data: bytes, generator: Generator) -> bytes:
    """Change the JSON header of safetensors, or the JSON of our metadata in it."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    if generator.random() < 0.6:
        metadata = header["__metadata__"]
        text = _json_text(json.loads(metadata["trajprompt"]), generator)
        metadata["trajprompt"] = text
        raw = json.dumps(header).encode()
    else:
        raw = _json_text(header, generator).encode(errors="surrogatepass")
    size = (
        len(raw) if generator.random() < 0.9 else _pick((0, 1, 2**40, 2**63, 7), generator)
    )
    return size.to_bytes(8, "little") + raw + data[8 + length :]


DAMAGES: dict[str, tuple[Damage, ...]] = {
    "json": (change_json,),
    "yaml": (change_yaml, yaml_lines),
    "csv": (change_cells, change_columns, change_rows),
    "safetensors": (change_header,),
}
