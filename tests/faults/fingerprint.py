"""Hash of everything that a reader returned."""

import dataclasses
import hashlib
from collections.abc import Mapping
from typing import Any


def fingerprint(value: object) -> str:
    """SHA-256 of nested mappings, sequences, arrays, tables, models and dataclasses."""
    digest = hashlib.sha256()
    _add(digest, value)
    return digest.hexdigest()


def _add(digest: Any, value: Any) -> None:
    if hasattr(value, "state_dict"):
        value = dict(value.state_dict())
    elif hasattr(value, "to_csv"):
        value = value.to_csv()
    elif dataclasses.is_dataclass(value):
        value = {
            field.name: getattr(value, field.name) for field in dataclasses.fields(value)
        }
    if isinstance(value, Mapping):
        for key in value:
            _add(digest, key)
            _add(digest, value[key])
    elif isinstance(value, list | tuple):
        digest.update(b"%d," % len(value))
        for item in value:
            _add(digest, item)
    elif hasattr(value, "shape") and hasattr(value, "dtype"):
        numpy = value.detach().numpy() if hasattr(value, "detach") else value
        digest.update(f"{numpy.dtype} {numpy.shape} ".encode() + numpy.tobytes())
    else:
        digest.update(repr(value).encode(errors="surrogatepass") + b";")
