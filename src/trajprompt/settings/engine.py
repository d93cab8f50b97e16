"""Engine of rollouts on a CPU."""

from trajprompt.errors import TrajpromptError
from trajprompt.openvino import is_installed


def resolve_engine(name: str) -> str:
    """The engine of ``name``; auto: openvino if it is installed, else torch.

    Raises TrajpromptError if openvino is not installed. Results of the two engines differ
    in their last digits, so settings and records have the resolved name.
    """
    installed = is_installed()
    if name == "openvino" and not installed:
        found, expected = "found 'openvino', which is not installed", "an installed engine"
        remedy = "install requirements.lock, or set it to torch in the config"
        raise TrajpromptError("compute.engine", found, expected, remedy)
    if name == "auto":
        return "openvino" if installed else "torch"
    return name
