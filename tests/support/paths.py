"""Where the checkout is: tests name its files from here, not from the working directory."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "config.yaml"


def preset(name: str) -> Path:
    return ROOT / f"presets/{name}.yaml"
