"""A pretrained backbone and its file, with weights, normaliser and architecture."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from trajprompt.artifacts.atomic import atomic_path, require_file
from trajprompt.artifacts.provenance import SCHEMA_VERSION
from trajprompt.errors import TrajpromptError
from trajprompt.models.adaptor import bottleneck
from trajprompt.models.cmt.model import tuned
from trajprompt.models.header import REMEDY, Entry, read_header
from trajprompt.models.kinds import Family, Kind, fits, get_kind
from trajprompt.models.prefix import prefix_length
from trajprompt.models.prompt_dt import PromptDT
from trajprompt.models.tuned_weights import completed
from trajprompt.numerics.device import resolve_device
from trajprompt.numerics.uninitialised import Uninitialised
from trajprompt.settings.kinds import KINDS
from trajprompt.settings.options import parse_options
from trajprompt.settings.parsing import json_object
from trajprompt.tasks.registry import SUITE_NAMES, get_suite
from trajprompt.trajectories.normaliser import Normaliser

KIND = "backbone"
TYPE_NAMES: dict[Any, str] = {str: "text", dict: "a mapping", int | float: "a number"}
MODEL, NORMALISER = "model.", "normaliser."  # prefixes of the tensors' names


@dataclass(frozen=True)
class Backbone:
    """A model, with the normaliser of its states and the scale of its returns."""

    name: str  # a kind, or a variant of one
    suite: str  # name of the suite
    model: Any  # of the kind's class
    normaliser: Normaliser
    return_scale: float  # reward units per unit of return-to-go
    config: Any  # the architecture, of the kind's class
    kind: str = ""  # one of settings/kinds.py; if empty, ``name`` is the kind

    @property
    def family(self) -> Family:
        """Family of its kind."""
        return get_kind(self.kind or self.name).family

    @property
    def device(self) -> torch.device:
        device: torch.device = next(self.model.parameters()).device
        return device

    def with_weights(self, weights: Mapping[str, Tensor]) -> "Backbone":
        """Copy with other weights: a state dict of the model, or a part (tuned_weights.py).

        A part leaves all other weights unchanged. Raises TrajpromptError if names or shapes
        do not fit, or if the backbone is a policy of states, which no method tunes.
        """
        if self.family == "state":
            found, expected = "found a policy of states", "a transformer"
            remedy = "choose another condition"
            raise TrajpromptError(self.name, found, expected, remedy)
        try:
            if self.family == "history":
                model: Any = tuned(self.model, weights)
                return dataclasses.replace(self, model=model, config=model.config)
            full = completed(self.model.state_dict(), weights)
            config = dataclasses.replace(
                self.config, adaptor=bottleneck(full), prefix=prefix_length(full)
            )
            model = PromptDT(config).to(self.device)
            model.load_state_dict(full)
        except RuntimeError as error:
            found = " ".join(str(error).split())[:200]
            expected = f"weights of the backbone {self.name} of {self.suite}"
            remedy = "give the backbone that they were tuned on"
            raise TrajpromptError("tuned weights", found, expected, remedy) from error
        return dataclasses.replace(self, model=model.eval(), config=config)


def save_backbone(
    path: str | Path, backbone: Backbone, attributes: Mapping[str, Any]
) -> None:
    """Write weights and normaliser as safetensors, and everything else as its metadata.

    The metadata is one JSON text under one key: safetensors writes several keys in no
    fixed order, but equal content must give equal bytes.
    """
    from safetensors.torch import save_file

    tensors = {MODEL + k: v for k, v in backbone.model.state_dict().items()}
    tensors[NORMALISER + "mean"] = backbone.normaliser.mean
    tensors[NORMALISER + "std"] = backbone.normaliser.std
    stored = {
        k: v.detach().to("cpu", torch.float32).contiguous() for k, v in tensors.items()
    }
    description = {
        **attributes,
        "schema_version": SCHEMA_VERSION,
        "kind": KIND,
        "backbone": backbone.name,
        "backbone_kind": backbone.kind or backbone.name,
        "suite": backbone.suite,
        "return_scale": backbone.return_scale,
        "architecture": dataclasses.asdict(backbone.config),
        "digest": _digest(stored),
    }
    with atomic_path(path) as temporary:
        save_file(
            stored, temporary, {"trajprompt": json.dumps(description, sort_keys=True)}
        )


def load_backbone(path: str | Path, device: str = "cpu") -> Backbone:
    """Read a backbone onto ``device`` (auto, cpu, cuda).

    Raises TrajpromptError for a damaged file, another schema or unexpected shapes. The
    header is checked before memory of the claimed size is allocated.
    """
    place = resolve_device(device)
    path = require_file(path, "trajprompt pretrain")
    entries, metadata = read_header(path)
    description = _description(path, metadata)
    kind, config = _architecture(path, description)
    _check_entries(path, entries, kind, config)
    tensors = _read_tensors(path, description["digest"])
    model = kind.model(config)
    model.load_state_dict(
        {k.removeprefix(MODEL): v for k, v in tensors.items() if k.startswith(MODEL)}
    )
    normaliser = Normaliser(tensors[NORMALISER + "mean"], tensors[NORMALISER + "std"])
    return Backbone(
        description["backbone"],
        description["suite"],
        model.to(place).eval(),
        normaliser.to(place),
        float(description["return_scale"]),
        config,
        description["backbone_kind"],
    )


def _description(path: Path, metadata: Mapping[str, str]) -> dict[str, Any]:
    """Metadata that `save_backbone` wrote; raises unless it has the expected types."""
    found = json_object(metadata.get("trajprompt", "{}"), f"{path}: metadata", REMEDY)
    kind = (found.get("kind"), found.get("schema_version"))
    if kind != (KIND, SCHEMA_VERSION):
        text = f"found kind {kind[0]!r}, schema version {kind[1]!r}"
        expected = f"kind {KIND!r}, schema version {SCHEMA_VERSION}"
        raise TrajpromptError(path, text, expected, REMEDY)
    found.setdefault("backbone_kind", found.get("backbone"))  # older files have none
    types = {"backbone": str, "suite": str, "digest": str, "architecture": dict}
    others = {"backbone_kind": str, "return_scale": int | float}
    for name, kind_of_value in {**types, **others}.items():
        if not isinstance(found.get(name), kind_of_value):
            value, expected = f"found {found.get(name)!r:.80}", TYPE_NAMES[kind_of_value]
            raise TrajpromptError(f"{path}: metadata.{name}", value, expected, REMEDY)
    if not found["return_scale"] > 0:
        where = f"{path}: metadata.return_scale"
        value = f"found {found['return_scale']}"
        raise TrajpromptError(where, value, "more than 0", REMEDY)
    return found


def _architecture(path: Path, description: Mapping[str, Any]) -> tuple[Kind, Any]:
    """Kind and sizes of the model; raises unless they fit each other and the suite."""
    where, name = f"{path}: metadata.architecture", description["backbone_kind"]
    if name not in KINDS:
        place = f"{path}: metadata.backbone_kind"
        known = f"one of {', '.join(KINDS)}"
        raise TrajpromptError(place, f"found {name!r:.80}", known, REMEDY)
    kind = get_kind(name)
    config: Any = parse_options(kind.config, description["architecture"], where, REMEDY)
    if not fits(kind, config):
        found = "found (uses_prompt, uses_returns) "
        found += f"{(config.uses_prompt, config.uses_returns)}"
        expected = f"{(kind.prompt, kind.returns)}, as in {name}"
        raise TrajpromptError(where, found, expected, REMEDY)
    dims = (config.state_dim, config.action_dim)
    if description["suite"] in SUITE_NAMES:
        suite = get_suite(description["suite"])
        if dims != (suite.state_dim, suite.action_dim):
            found = f"found state and action dimensions {dims}"
            sizes = f"({suite.state_dim}, {suite.action_dim}), as in {suite.name}"
            raise TrajpromptError(where, found, sizes, REMEDY)
    return kind, config


def _check_entries(
    path: Path, entries: Mapping[str, Entry], kind: Kind, config: Any
) -> None:
    """Raise unless the header lists exactly the tensors of the architecture."""
    with torch.device("meta"), Uninitialised():  # shapes without memory
        model = kind.model(config)
    expected = {MODEL + k: tuple(v.shape) for k, v in model.state_dict().items()}
    expected |= dict.fromkeys(
        (NORMALISER + "mean", NORMALISER + "std"), (config.state_dim,)
    )
    for name in sorted(entries.keys() ^ expected.keys()):
        found = f"{'missing' if name in expected else 'unexpected'} tensor {name[:80]}"
        raise TrajpromptError(path, found, "only the tensors of its architecture", REMEDY)
    for name, entry in entries.items():
        if entry != Entry("F32", expected[name]):
            found = f"found {name} of type {entry.dtype}, shape {entry.shape}"
            shape = f"type F32, shape {expected[name]}"
            raise TrajpromptError(path, found, shape, REMEDY)


def _read_tensors(path: Path, digest: str) -> dict[str, Tensor]:
    """All tensors; raises if a value is not finite or has changed since it was written."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            # Copies: a view of the mapped file would fail if the file were replaced.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        expected = "a complete safetensors file"
        raise TrajpromptError(path, f"damaged ({error})", expected, REMEDY) from error
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            found = f"found NaN or infinity in {name}"
            raise TrajpromptError(path, found, "finite values", REMEDY)
    if (tensors[NORMALISER + "std"] <= 0).any():
        found = f"found a value of 0 or less in {NORMALISER}std"
        raise TrajpromptError(path, found, "more than 0", REMEDY)
    if _digest(tensors) != digest:
        found = "found values that have changed since they were written"
        raise TrajpromptError(path, found, f"values of digest {digest[:16]}", REMEDY)
    return tensors


def _digest(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 of all values, in the order of their names; shapes are checked separately."""
    digest = hashlib.sha256()
    for _, tensor in sorted(tensors.items()):
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()
