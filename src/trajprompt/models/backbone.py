"""A pretrained backbone and its file: weights, normaliser and architecture in one."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from trajprompt.artifacts import atomic_path, require_file
from trajprompt.errors import TrajpromptError
from trajprompt.models.precision import resolve_device
from trajprompt.models.prompt_dt import BackboneConfig, PromptDT
from trajprompt.provenance import SCHEMA_VERSION
from trajprompt.trajectories.normaliser import Normaliser

KIND = "backbone"
REMEDY = "make it again with `trajprompt pretrain`"
MODEL, NORMALISER = "model.", "normaliser."  # prefixes of the tensors' names


@dataclass(frozen=True)
class Backbone:
    """A prompt decision transformer with what is needed to feed it raw observations."""

    name: str  # a key of prompt_dt.BACKBONES
    suite: str  # the suite's name
    model: PromptDT
    normaliser: Normaliser
    return_scale: float  # reward units per unit of return-to-go
    config: BackboneConfig

    @property
    def device(self) -> torch.device:
        return self.model.predict_action.weight.device

    def with_weights(self, weights: Mapping[str, Tensor]) -> "Backbone":
        """The same backbone with other weights (a state dict of the model)."""
        model = PromptDT(self.config).to(self.device)
        model.load_state_dict(dict(weights))
        return dataclasses.replace(self, model=model.eval())


def save_backbone(
    path: str | Path, backbone: Backbone, attributes: Mapping[str, str]
) -> None:
    """Write weights and normaliser as safetensors; everything else is its metadata.

    The metadata is one JSON text under one key, because safetensors writes several keys
    in no fixed order and equal work should give equal bytes.
    """
    from safetensors.torch import save_file

    tensors = {MODEL + k: v for k, v in backbone.model.state_dict().items()}
    tensors[NORMALISER + "mean"] = backbone.normaliser.mean
    tensors[NORMALISER + "std"] = backbone.normaliser.std
    description = {
        **attributes,
        "schema_version": SCHEMA_VERSION,
        "kind": KIND,
        "backbone": backbone.name,
        "suite": backbone.suite,
        "return_scale": backbone.return_scale,
        "architecture": dataclasses.asdict(backbone.config),
    }
    stored = {
        k: v.detach().to("cpu", torch.float32).contiguous() for k, v in tensors.items()
    }
    with atomic_path(path) as temporary:
        save_file(
            stored, temporary, {"trajprompt": json.dumps(description, sort_keys=True)}
        )


def load_backbone(path: str | Path, device: str = "cpu") -> Backbone:
    """Read a backbone onto ``device`` (auto, cpu, cuda).

    Damage, another schema or other shapes are TrajpromptErrors.
    """
    place = resolve_device(device)
    description, tensors = _read(require_file(path, "trajprompt pretrain"))
    try:
        config = BackboneConfig(**description["architecture"])
        name, suite = description["backbone"], description["suite"]
        return_scale = float(description["return_scale"])
    except (KeyError, TypeError, ValueError) as error:
        raise TrajpromptError(path, f"metadata: {error}", "a backbone's", REMEDY) from error
    model = PromptDT(config)
    vector = torch.empty(config.state_dim)
    expected = {MODEL + k: v for k, v in model.state_dict().items()}
    expected |= {NORMALISER + "mean": vector, NORMALISER + "std": vector}
    _check(path, tensors, expected)
    model.load_state_dict(
        {k.removeprefix(MODEL): v for k, v in tensors.items() if k.startswith(MODEL)}
    )
    normaliser = Normaliser(tensors[NORMALISER + "mean"], tensors[NORMALISER + "std"])
    return Backbone(
        name, suite, model.to(place).eval(), normaliser.to(place), return_scale, config
    )


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            # Copies: a view of the mapped file would fail if the file were replaced.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
        description = json.loads(metadata.get("trajprompt", "{}"))
    except (SafetensorError, ValueError) as error:
        raise TrajpromptError(
            path, str(error), "a whole safetensors file", REMEDY
        ) from error
    found = (description.get("kind"), description.get("schema_version"))
    if found != (KIND, SCHEMA_VERSION):
        text = f"kind {found[0]!r}, schema version {found[1]!r}"
        raise TrajpromptError(path, text, f"{KIND!r}, {SCHEMA_VERSION}", REMEDY)
    return description, tensors


def _check(
    path: str | Path, found: Mapping[str, Tensor], expected: Mapping[str, Tensor]
) -> None:
    for name in sorted(found.keys() ^ expected.keys()):
        state = "missing" if name in expected else "unknown"
        raise TrajpromptError(path, f"{state} tensor {name}", "the architecture's", REMEDY)
    for name, tensor in found.items():
        shape, wanted = tuple(tensor.shape), tuple(expected[name].shape)
        if shape != wanted:
            raise TrajpromptError(path, f"{name} of shape {shape}", f"{wanted}", REMEDY)
        if not torch.isfinite(tensor).all():
            raise TrajpromptError(path, f"{name} not finite", "numbers", REMEDY)
