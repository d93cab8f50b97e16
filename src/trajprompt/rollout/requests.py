"""Requests for episodes of a backbone, and the type of what plays them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from trajprompt.rollout.loop import Episodes

if TYPE_CHECKING:
    from trajprompt.models.backbone import Backbone
    from trajprompt.trajectories.segments import Segments


@dataclass(frozen=True)
class Request:
    """One episode per row, all of one backbone."""

    backbone: "Backbone"
    prompts: "Segments | None"  # (N, P, ..); None if the backbone takes no prompt
    tasks: np.ndarray  # (N,)
    resets: np.ndarray  # (N,) reset seeds


Player = Callable[[Request], Episodes]
