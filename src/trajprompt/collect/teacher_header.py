"""Description of a teacher's policies: the header of its file, without the tensors."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from trajprompt.artifacts.atomic import require_file
from trajprompt.artifacts.provenance import SCHEMA_VERSION
from trajprompt.errors import TrajpromptError
from trajprompt.models.header import Entry, read_header
from trajprompt.settings.parsing import json_object

KIND = "teacher"
REMEDY = "make it again with `trajprompt teach`"
METADATA = "trajprompt"  # the key of the metadata that all of the description is in
NAME = re.compile(r"[0-9]{4,}\.[a-z]+(_[a-z0-9]+)?")  # of an array: policy, part
LARGEST = 10**12  # of steps: more than any learner has


@dataclass(frozen=True)
class TeacherHeader:
    """What a teacher's file says of its P policies, in the order of learning."""

    environment: str
    steps: tuple[int, ...]  # (P,) control steps that the learner had done
    mean_returns: tuple[float, ...]  # (P,) of the sampled policies
    mean_action_returns: tuple[float, ...]  # (P,)
    medium: int  # number of the medium policy
    expert: int
    attributes: dict[str, Any]  # all that the metadata have
    tensors: dict[str, Entry]  # "<policy>.<array>", e.g. "0003.weight_0"

    def arrays(self, policy: int) -> dict[str, Entry]:
        """Types and shapes of one policy's arrays, by name."""
        prefix = f"{policy:04d}."
        return {
            name.removeprefix(prefix): entry
            for name, entry in self.tensors.items()
            if name.startswith(prefix)
        }


def read_teacher_header(path: Path) -> TeacherHeader:
    """Read and check the header of a teacher's file.

    Raises TrajpromptError if it is missing, damaged, or of another kind of file.
    """
    tensors, metadata = read_header(require_file(path, "trajprompt teach"), REMEDY)
    where = f"{path}: metadata"
    # All numbers in it are finite.
    found = json_object(metadata.get(METADATA, "{}"), where, REMEDY)
    for name, value in {"kind": KIND, "schema_version": SCHEMA_VERSION}.items():
        if found.get(name) != value:
            text = f"found {name} {found.get(name)!r:.80}"
            raise TrajpromptError(path, text, f"{name} {value!r}", REMEDY)
    _check_arrays(path, tensors)
    environment: Any = found.get("environment")
    steps: Any = found.get("steps")
    returns: Any = found.get("mean_returns")
    mean_actions: Any = found.get("mean_action_returns")
    medium, expert = found.get("medium"), found.get("expert")
    policies = {name.partition(".")[0] for name in tensors}
    if not (
        isinstance(environment, str)
        and _numbers(steps, int)
        and _numbers(returns, int, float)
        and _numbers(mean_actions, int, float)
        and type(medium) is int
        and type(expert) is int
        and len(steps) == len(returns) == len(mean_actions) > expert >= medium >= 1
        and policies == {f"{number:04d}" for number in range(len(steps))}
    ):
        text = f"found {len(policies)} policies, medium {medium!r:.40}"
        text = f"{text}, expert {expert!r:.40}"
        expected = (
            "steps and both mean returns of each policy; a trained medium one, an expert"
        )
        raise TrajpromptError(where, text, expected, REMEDY)
    if steps[0] != 0 or not all(a < b <= LARGEST for a, b in pairwise(steps)):
        text, expected = f"found steps {steps!r:.80}", "rising numbers from 0 on"
        raise TrajpromptError(where, text, expected, REMEDY)
    return TeacherHeader(
        environment,
        tuple(steps),
        tuple(returns),
        tuple(mean_actions),
        medium,
        expert,
        found,
        tensors,
    )


def _check_arrays(path: Path, tensors: Mapping[str, Entry]) -> None:
    for name, entry in tensors.items():
        if not NAME.fullmatch(name):
            text, expected = f"found array {name!r:.80}", "names such as 0003.weight_0"
            raise TrajpromptError(path, text, expected, REMEDY)
        if entry.dtype != "F32":
            text = f"found type {entry.dtype}"
            raise TrajpromptError(f"{path}: {name:.80}", text, "type F32", REMEDY)


def _numbers(values: Any, *kinds: type) -> bool:
    return isinstance(values, list) and all(type(value) in kinds for value in values)
