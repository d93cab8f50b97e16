"""pydantic's errors as keys and expected values in plain words."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

UNKNOWN = "an unknown key"
EXPONENT = re.compile(r"[-+]?\d+[eE][-+]?\d+")  # a number that YAML reads as text
LIMITS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
TYPES = {  # pydantic's type of error -> expected value
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "dataclass_type": "a mapping",
    "list_type": "a list",
    "tuple_type": "a list",
    "string_type": "text",
    "int_type": "an integer",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
}


def place(fault: "ErrorDetails", values: Any) -> list[Any]:
    """Path of keys and indices in ``values`` to the fault.

    pydantic's location also contains the branches of unions, which are not keys.
    """
    found: list[Any] = []
    for part in fault["loc"]:
        if _is_in(part, values):
            found.append(part)
            values = values[part]
    return [*found, fault["loc"][-1]] if fault["type"] == "missing" else found


def _is_in(part: int | str, values: Any) -> bool:
    if isinstance(values, Mapping):
        return part in values
    return isinstance(values, Sequence) and isinstance(part, int) and part < len(values)


def expected(fault: "ErrorDetails") -> str:
    """Description of the value that pydantic expected."""
    kind, context = fault["type"], fault.get("ctx", {})
    for key, limit in context.items():
        if key in LIMITS:
            return f"{LIMITS[key]} {str(limit).removesuffix('.0')}"
    if kind == "literal_error":
        choices = context["expected"].replace("'", "").replace(" or ", ", ")
        return f"one of {choices}" if ", " in choices else choices
    message = fault["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    text = TYPES.get(kind, message)
    exponent = kind in ("int_type", "float_type") and EXPONENT.fullmatch(
        str(fault["input"])
    )
    return f"{text} (write 1.0e-4, not 1e-4)" if exponent else text


def one_of(known: Sequence[str]) -> str:
    """Description of the known keys, for the error of an unknown one."""
    return f"one of {', '.join(sorted(known))}" if known else "no keys"
