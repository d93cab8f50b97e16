"""The policy that stages 2 and 3 made: a backbone with the tuned prompt of one task."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trajprompt.errors import TrajpromptError
from trajprompt.settings.parsing import json_object

if TYPE_CHECKING:
    from trajprompt.adaptations.read import StoredAdaptation
    from trajprompt.models.lockstep import LockstepPolicy


@dataclass(frozen=True)
class Adapted:
    """What to play: the files, and which row and checkpoint of them."""

    backbone: Path
    adaptation: Path
    suite: str
    task: int
    checkpoint: str = "last"  # or initial, best
    precision: str = "fp32"
    device: str = "cpu"


def adapted_policy(which: Adapted) -> "LockstepPolicy":
    """For one row; the prompt is the first of its task."""
    from trajprompt.adaptations.read import read_adaptation
    from trajprompt.models.backbone import load_backbone
    from trajprompt.models.lockstep import LockstepPolicy

    stored = read_adaptation(which.adaptation)
    backbone = load_backbone(which.backbone, which.device)
    for where, suite in (
        (which.adaptation, stored.attributes.get("suite")),
        (which.backbone, backbone.suite),
    ):
        if suite != which.suite:
            raise TrajpromptError(where, f"suite {suite}", which.suite)
    row = _row_of(which, stored)
    if row in stored.weights and which.checkpoint != "initial":
        backbone = backbone.with_weights(stored.weights[row])
    prompts = getattr(stored, which.checkpoint)
    return LockstepPolicy(
        backbone,
        None if prompts is None else prompts.select([row]),
        rows=1,
        target_return=_target_return(which, stored),
        precision=which.precision,
    )


def _row_of(which: Adapted, stored: "StoredAdaptation") -> int:
    """The first row of the task: its first prompt."""
    rows = (stored.rows == which.task).nonzero()[0]
    if len(rows) == 0:
        tasks = ", ".join(map(str, sorted(set(stored.rows.tolist()))))
        raise TrajpromptError(which.adaptation, f"no task {which.task}", f"one of {tasks}")
    return int(rows[0])


def _target_return(which: Adapted, stored: "StoredAdaptation") -> float:
    where = f"{which.adaptation}: settings"
    found = json_object(stored.attributes.get("settings"), where).get("target_return")
    if not isinstance(found, int | float):
        raise TrajpromptError(where, f"target_return {found!r}", "a number")
    return found
