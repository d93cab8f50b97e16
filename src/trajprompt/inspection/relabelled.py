"""Description and picture of relabelled data."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from trajprompt.artifacts.hdf5_checks import open_hdf5, require_dataset
from trajprompt.inspection import hdf5, text
from trajprompt.models.cmt.relabelled_file import KIND, REMEDY

if TYPE_CHECKING:
    import h5py
    from matplotlib.figure import Figure

FITS = "r2_"  # first part of the attributes with the model's errors


def describe(path: Path) -> list[str]:
    """Sections that ``trajprompt inspect`` prints for relabelled data."""
    with open_hdf5(path, KIND, REMEDY) as file:
        attributes = hdf5.plain_attributes(file)
        gains, changes = _values(file, path)
        fits = {
            k.removeprefix(FITS): v for k, v in attributes.items() if k.startswith(FITS)
        }
        summary = {
            "states": f"{len(gains):,}",
            "relabelled": f"{(changes > 0).mean():.0%}",
            "mean gain, reward / reward scale": text.number(gains.mean()),
            "mean change of the action": text.number(changes.mean()),
            **{
                f"R² of the {name}, one step": f"{float(v):.3f}" for name, v in fits.items()
            },
        }
        return [
            text.section("planning", text.attributes(summary)),
            text.section("attributes", text.attributes(attributes)),
            text.section("tree", hdf5.tree(file)),
        ]


def draw(figure: "Figure", path: Path, task: int | None) -> None:
    """Histograms of the plans' gains and of the changes of the actions."""
    with open_hdf5(path, KIND, REMEDY) as file:
        gains, changes = _values(file, path)
    left, right = figure.subplots(1, 2)
    left.hist(gains, bins=40)
    left.set_xlabel("gain of the best plan (reward / reward scale)")
    left.set_ylabel("states")
    right.hist(changes, bins=40)
    right.set_xlabel("distance of the planned action from the logged one")


def _values(file: "h5py.File", path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Gains (M,), and distances (M,) of the actions from the logged ones."""

    def read(name: str, *shape: int | None) -> np.ndarray:
        found = require_dataset(file, name, f"{path}:", REMEDY, "f", shape)
        return np.asarray(found[()], np.float64)

    gains = read("gains", None)
    planned = read("actions", len(gains), None)
    logged = read("logged_actions", *planned.shape)
    return gains, np.linalg.norm(planned - logged, axis=1)
