"""OpenVINO, an optional library: the engine of rollouts on a CPU."""

import importlib
import importlib.util
import sys

from trajprompt.errors import TrajpromptError


def is_installed() -> bool:
    """True if OpenVINO is installed; not every platform has it."""
    return importlib.util.find_spec("openvino") is not None


def import_openvino() -> None:
    """Import OpenVINO without its telemetry; raise TrajpromptError if that fails.

    The package of its telemetry, if it is installed, reports every import to Intel.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    try:
        importlib.import_module("openvino")
    except (ImportError, OSError) as error:
        found, expected = f"openvino cannot be imported ({error})", "an installed engine"
        remedy = "install requirements.lock, or set it to torch in the config"
        raise TrajpromptError("compute.engine", found, expected, remedy) from error
