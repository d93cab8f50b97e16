"""Construction of modules whose weights are read from a file afterwards."""

from typing import Any

from torch.overrides import TorchFunctionMode


class Uninitialised(TorchFunctionMode):
    """Skip random initialisation; on the meta device it would import torch.compile."""

    def __torch_function__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        if getattr(function, "__module__", "") == "torch.nn.init":
            return None  # these functions fill in place
        return function(*args, **(kwargs or {}))
