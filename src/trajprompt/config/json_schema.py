"""JSON Schema of configuration files, for editors; generated from the models."""

import functools
from typing import Any

from trajprompt.config.grids import KEYS
from trajprompt.config.inherit import JOINS
from trajprompt.config.models import RunConfig

LIKE = {"type": "string", "description": "another name of this section to inherit from"}


@functools.cache
def run_schema() -> dict[str, Any]:
    """JSON Schema of a resolved configuration."""
    return RunConfig.model_json_schema()


def file_schema() -> dict[str, Any]:
    """JSON Schema of one file: all keys optional, ``like`` where it is allowed, and grids.

    No key is required, because another file may set it.
    """
    schema = _optional(run_schema())
    text = {"type": "string"}
    grid = {"type": "object", "properties": dict.fromkeys(KEYS, text)}
    schema["properties"]["grids"] = {"type": "object", "additionalProperties": grid}
    schema["properties"]["like"] = {**text, "description": "the preset to inherit from"}
    for part in JOINS:
        schema["$defs"][_model_of(schema, part)]["properties"]["like"] = LIKE
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _model_of(schema: dict[str, Any], part: str) -> str:
    """Name of the model of the entries of a section."""
    (entry,) = schema["properties"][part]["patternProperties"].values()
    return str(entry["$ref"]).rpartition("/")[2]


def _optional(node: Any) -> Any:
    """Copy of a schema without required keys; names must still match their pattern."""
    if isinstance(node, list):
        return [_optional(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {
        key: value
        for key, value in node.items()
        if not (key == "required" and isinstance(value, list))
    }
    closed = {"additionalProperties": False} if "patternProperties" in kept else {}
    return {**{key: _optional(value) for key, value in kept.items()}, **closed}
