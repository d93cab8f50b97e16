"""What a tuning method is given, what it hands back, and how it is found by name.

Adding a method is one file in this package::

    @register("my-method", MyOptions)
    def tune(problem: TuningProblem, options: MyOptions) -> Adaptation: ...
"""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from trajprompt.checkpoint import Checkpoint
from trajprompt.errors import TrajpromptError

if TYPE_CHECKING:
    from torch import Tensor

    from trajprompt.models.backbone import Backbone
    from trajprompt.tasks.suites import Suite
    from trajprompt.trajectories.segments import Segments
    from trajprompt.tuning.samples import Samples


@dataclass(frozen=True)
class TuningProblem:
    """One cell: every row is one prompt of one task, adapted on its own.

    Rows are task-major: all prompts of the first task, then of the second, and so on.
    """

    suite: "Suite"
    rows: np.ndarray  # (R,) task index of each row
    prompts: np.ndarray  # (R,) number of the row's prompt within its task
    backbone: "Backbone"  # frozen; a method that changes weights copies it
    initial_prompts: "Segments | None"  # (R, P, ..); None if the backbone takes no prompt
    samples: "Samples"  # offline data that a method may use; the same for every method
    target_return: float  # return-to-go at the start of an episode, in reward units
    stream: np.random.SeedSequence  # the method's own chance
    threads: int = 1
    precision: str = "auto"
    checkpoint: Checkpoint = field(default_factory=Checkpoint)  # long loops count on it

    def require_prompts(self) -> "Segments":
        """The initial prompts, for methods that move them."""
        if self.initial_prompts is None:
            found = f"backbone {self.backbone.name}, which takes no prompt"
            raise TrajpromptError("prompt tuning", found, "one that does")
        return self.initial_prompts

    def streams(self, count: int) -> list[np.random.SeedSequence]:
        """``count`` independent streams, the same ones at every call."""
        key = self.stream.spawn_key
        return [
            np.random.SeedSequence(self.stream.entropy, spawn_key=(*key, i))
            for i in range(count)
        ]


@dataclass(frozen=True)
class Adaptation:
    """What a method made of a problem. ``last`` is what tables report by default.

    ``best`` is the iterate with the lowest objective that the method itself saw; nothing
    here has looked at an evaluation episode.
    """

    last: "Segments | None"  # (R, P, ..)
    best: "Segments | None"  # (R, P, ..)
    best_iteration: np.ndarray  # (R,)
    history: list[dict[str, Any]]  # one dict of HISTORY_COLUMNS per row and iteration
    curve: dict[int, "Segments"] = field(default_factory=dict)  # iteration -> (R, P, ..)
    weights: "dict[int, dict[str, Tensor]] | None" = None  # row -> tuned state dict


# name -> (unit, description); queries, steps are totals of one row since its start
HISTORY_COLUMNS = {
    "task": ("index", "published index of the task"),
    "prompt": ("index", "number of the prompt within its task"),
    "iteration": ("iteration", "outer iterations done"),
    "queries": ("query", "candidate prompts judged so far, each once"),
    "simulator_steps": ("step", "simulator steps used so far"),
    "gradient_steps": ("step", "optimiser steps used so far"),
    "objective": ("see method", "the method's objective at this iterate, lower is better"),
    "displacement": ("prompt units", "Euclidean distance of the prompt from its start"),
}


@dataclass(frozen=True)
class Method:
    name: str
    options: type
    tune: Callable[[TuningProblem, Any], Adaptation]
    moves_prompts: bool = False  # then it cannot serve a backbone that takes none


REGISTRY: dict[str, Method] = {}
Tune = TypeVar("Tune", bound=Callable[..., Adaptation])


def register(
    name: str, options: type, moves_prompts: bool = False
) -> Callable[[Tune], Tune]:
    """Enter a function into the registry under ``name``; ``options`` is its dataclass."""

    def enter(tune: Tune) -> Tune:
        if name in REGISTRY and REGISTRY[name].tune.__module__ != tune.__module__:
            raise ValueError(f"two tuning methods are called '{name}'")
        REGISTRY[name] = Method(name, options, tune, moves_prompts)
        return tune

    return enter


def methods() -> dict[str, Method]:
    """All methods by name, found by importing every module of this package."""
    import trajprompt.tuning as package

    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")
    return dict(sorted(REGISTRY.items()))


def get_method(name: str) -> Method:
    known = methods()
    if name not in known:
        raise TrajpromptError("tuning method", f"'{name}'", f"one of {', '.join(known)}")
    return known[name]
