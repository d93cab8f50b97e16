"""The policy of stages 2 and 3: a backbone with the tuned prompt of one task."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trajprompt.errors import TrajpromptError
from trajprompt.settings.parsing import json_object

REMEDY = "run `trajprompt tune` again"
if TYPE_CHECKING:
    from trajprompt.adaptations.read import StoredAdaptation
    from trajprompt.rollout.loop import Policy


@dataclass(frozen=True)
class Adapted:
    """Files of a policy, and the task and checkpoint to load from them."""

    backbone: Path
    adaptation: Path
    suite: str
    task: int
    checkpoint: str = "last"  # or initial, best
    precision: str = "fp32"
    engine: str = ""  # the default of `make_policy`
    device: str = "cpu"


def adapted_policy(which: Adapted) -> "Policy":
    """Policy for one simulator row, with the first prompt of the task.

    Raises TrajpromptError if the files are of another suite or lack the task.
    """
    from trajprompt.adaptations.read import read_adaptation
    from trajprompt.models.backbone import load_backbone
    from trajprompt.rollout.plays import PlaySettings, make_policy
    from trajprompt.tasks.registry import get_suite

    stored = read_adaptation(which.adaptation)
    backbone = load_backbone(which.backbone, which.device)
    for where, suite in (
        (which.adaptation, stored.attributes.get("suite")),
        (which.backbone, backbone.suite),
    ):
        if suite != which.suite:
            remedy = "give the files of this suite, or another --suite"
            found, expected = f"found suite {suite}", f"suite {which.suite}"
            raise TrajpromptError(where, found, expected, remedy)
    row = _row_of(which, stored)
    if row in stored.weights and which.checkpoint != "initial":
        backbone = backbone.with_weights(stored.weights[row])
    prompts = getattr(stored, which.checkpoint)
    prompt = None if prompts is None else prompts.select([row])
    target, suite = _target_return(which, stored), get_suite(which.suite)
    settings = PlaySettings(suite, target, which.precision, which.engine, threads=1)
    return make_policy(settings, backbone, prompt, rows=1)


def _row_of(which: Adapted, stored: "StoredAdaptation") -> int:
    """First row of the task, which has its first prompt."""
    rows = (stored.rows == which.task).nonzero()[0]
    if len(rows) == 0:
        tasks = ", ".join(map(str, sorted(set(stored.rows.tolist()))))
        found, remedy = f"no task {which.task}", "give one of these with --task"
        raise TrajpromptError(which.adaptation, found, f"one of {tasks}", remedy)
    return int(rows[0])


def _target_return(which: Adapted, stored: "StoredAdaptation") -> float:
    where = f"{which.adaptation}: settings"
    settings = json_object(stored.attributes.get("settings"), where, REMEDY)
    found = settings.get("target_return")
    if not isinstance(found, int | float):
        text = f"found target_return {found!r}"
        raise TrajpromptError(where, text, "a number", REMEDY)
    return found
