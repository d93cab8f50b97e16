"""OpenVINO, an optional library: the engine of rollouts on a CPU."""

import importlib
import importlib.util
import sys


def is_installed() -> bool:
    """True if OpenVINO is installed; not every platform has it."""
    return importlib.util.find_spec("openvino") is not None


def import_openvino() -> None:
    """Import OpenVINO, if it is installed, without its telemetry.

    The package of its telemetry, if it is installed, reports every import to Intel.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    if is_installed():
        importlib.import_module("openvino")
