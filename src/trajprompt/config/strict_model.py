"""The strict base of the configuration's models, and models of partial values."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, create_model, model_validator
from pydantic_core import PydanticCustomError

from trajprompt.settings.faults import one_of

UNKNOWN_KEY = "unknown_key"  # type of the error whose message lists the known keys


class Model(BaseModel):
    """Strict base: 2.0 is not an integer, a bool not a number, unknown keys are errors."""

    model_config = ConfigDict(strict=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _require_known_keys(cls, values: Any) -> Any:
        """Refuse an unknown key and list the known ones."""
        unknown = set(values) - set(cls.model_fields) if isinstance(values, dict) else set()
        if unknown:
            context = {"key": min(unknown), "known": one_of([*cls.model_fields])}
            raise PydanticCustomError(UNKNOWN_KEY, "{known}", context)
        return values


def changes(model: type[Model], name: str) -> type[Model]:
    """``model`` with every key optional, for values that override another layer.

    A missing key is None; files may not set None.
    """
    fields: dict[str, Any] = {
        key: (_annotation(field), Field(default=None, json_schema_extra=_no_default))
        for key, field in model.model_fields.items()
    }
    return create_model(name, __base__=Model, **fields)


def _no_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


def _annotation(field: Any) -> Any:
    kind: Any = field.annotation
    return Annotated[(kind, *field.metadata)] if field.metadata else kind
