"""Paths of the checkout, independent of the working directory."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "config.yaml"


def preset(name: str) -> Path:
    return ROOT / f"presets/{name}.yaml"
