"""File of relabelled states: HDF5, one array per field of `Relabelled`."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from trajprompt.artifacts.atomic import atomic_path, file_hash, require_file
from trajprompt.artifacts.hdf5_attributes import get_text, write_attributes
from trajprompt.artifacts.hdf5_checks import create_array, open_hdf5, require_dataset
from trajprompt.artifacts.provenance import SCHEMA_VERSION
from trajprompt.errors import TrajpromptError
from trajprompt.models.cmt.config import CmtConfig
from trajprompt.models.cmt.relabelled import Relabelled
from trajprompt.settings.parsing import json_object

if TYPE_CHECKING:
    import h5py

KIND = "relabelled"
REMEDY = "run `trajprompt relabel` again"
BEST = "best_prompt"
FIELDS = {  # name -> (unit, description)
    "prompts": ("1", "policy prompt of each state, from its history"),
    "states": ("standard deviations", "states of the window; not read after the place"),
    "window_actions": ("as the simulator's", "logged actions of the window"),
    "rewards": ("reward / reward scale", "logged rewards of the window"),
    "places": ("step", "place of the relabelled state in its window"),
    "actions": ("as the simulator's", "first action of the best plan"),
    "logged_actions": ("as the simulator's", "logged action"),
    "gains": ("reward / reward scale", "score of the best plan above the logged action's"),
}


def write_relabelled(
    path: Path, found: Relabelled, best_prompt: Tensor, attributes: Mapping[str, Any]
) -> None:
    """Write the states and the mean prompt (Z,) of the best episodes."""
    import h5py

    header = {"schema_version": str(SCHEMA_VERSION), "kind": KIND}
    with atomic_path(path) as temporary, h5py.File(temporary, "w", libver="latest") as file:
        write_attributes(file, {**attributes, **header})
        for name, tensor in found._asdict().items():
            _write(file, name, tensor, *FIELDS[name])
        text = "mean prompt of the windows of the best episodes"
        _write(file, BEST, best_prompt, "1", text)


def read_relabelled(
    path: Path, backbone: Path, config: CmtConfig
) -> tuple[Relabelled, Tensor]:
    """States and best prompt; TrajpromptError if they are not of the file ``backbone``."""
    require_file(path, "trajprompt relabel")
    with open_hdf5(path, KIND, REMEDY) as file:
        where = f"{path}: inputs"
        inputs = json_object(get_text(file, "inputs") or "{}", where, REMEDY)
        if file_hash(backbone) not in inputs.values():
            text, remedy = "found data of another backbone", "give the file made with it"
            raise TrajpromptError(where, text, f"data made with {backbone}", remedy)
        length, size = config.context_length, config.action_dim
        count = len(require_dataset(file, "gains", f"{path}:", REMEDY, "f", (None,)))
        shapes: dict[str, tuple[int, ...]] = {
            "prompts": (count, config.prompt_dim),
            "states": (count, length, config.state_dim),
            "window_actions": (count, length, size),
            "rewards": (count, length),
            "places": (count,),
            "actions": (count, size),
            "logged_actions": (count, size),
            "gains": (count,),
        }
        found = Relabelled(
            *(_read(file, name, path, shapes[name]) for name in Relabelled._fields)
        )
        best = _read(file, BEST, path, (config.prompt_dim,))
    if count == 0 or not 0 <= int(found.places.min()) <= int(found.places.max()) < length:
        text = f"found {count} states with places outside a window of {length} steps"
        raise TrajpromptError(f"{path}:places", text, "places within a window", REMEDY)
    return found, best


def _write(file: "h5py.File", name: str, tensor: Tensor, unit: str, text: str) -> None:
    dataset = create_array(file, name, tensor.cpu().numpy())
    write_attributes(dataset, {"description": text, "unit": unit})


def _read(file: "h5py.File", name: str, path: Path, shape: tuple[int, ...]) -> Tensor:
    kinds = "iu" if name == "places" else "f"
    dataset = require_dataset(file, name, f"{path}:", REMEDY, kinds, shape)
    values = dataset[()].astype(np.int64 if name == "places" else np.float32)
    if not np.isfinite(values).all():
        found = "found NaN or infinity"
        raise TrajpromptError(f"{path}:{name}", found, "finite values", REMEDY)
    return torch.from_numpy(values)
