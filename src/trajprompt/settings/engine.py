"""Engine of rollouts: OpenVINO or PyTorch on a CPU, PyTorch on a GPU.

Their results differ in the last digits. A missing library is therefore an error, never a
change of the engine.
"""

from collections.abc import Mapping
from typing import Any

from trajprompt.errors import TrajpromptError
from trajprompt.openvino import is_installed

REMEDY = "install requirements.lock, or set compute.engine to torch in the config"


def default_engine() -> str:
    """The engine where no setting chooses one, as in `trajprompt render`."""
    return "openvino" if is_installed() else "torch"


def used_engine(engine: str, device: str, stacked_seeds: bool) -> str:
    """The engine used on a type of device; stacked seeds are computed by PyTorch, too."""
    return engine if device == "cpu" and not stacked_seeds else "torch"


def require_engine(compute: Mapping[str, Any]) -> None:
    """Raise TrajpromptError if jobs with these values of ``compute`` lack their engine.

    ``device: auto`` may become a CPU.
    """
    device = "cpu" if compute["device"] == "auto" else compute["device"]
    chosen = used_engine(compute["engine"], device, compute["stacked_seeds"])
    if chosen == "openvino" and not is_installed():
        found = "found openvino, which is not installed"
        raise TrajpromptError("compute.engine", found, "an installed engine", REMEDY)
