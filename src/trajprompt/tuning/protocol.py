"""The interface of tuning methods: their problem, their result, their registration.

A method is one file in ``tuning/methods``::

    @register("my-method", MyOptions)
    def tune(problem: TuningProblem, options: MyOptions) -> Adaptation: ...

``moves_prompts=True`` if it cannot serve a backbone without prompts,
``reads_training_tasks=True`` if it uses ``problem.training_prompts``, and
``reads_arms=True`` if it uses ``problem.arms``.
"""

import dataclasses
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from trajprompt.adaptations.adaptation import Adaptation
from trajprompt.artifacts.checkpoint import Checkpoint
from trajprompt.errors import TrajpromptError
from trajprompt.seeds import child, children
from trajprompt.settings.options import Precision, Strict

if TYPE_CHECKING:
    from trajprompt.models.backbone import Backbone
    from trajprompt.tasks.suites import Suite
    from trajprompt.trajectories.segments import PromptSet, Segments
    from trajprompt.tuning.samples import Samples


class SharedStream(IntEnum):
    """Random streams that methods share: children of `TuningProblem.shared_stream`."""

    WEIGHTS = 0  # with which a generator of prompts begins
    PRETRAINING = 1  # its batches and noise
    WRITTEN = 2  # noise that the adapted prompts begin as
    SHOWN = 3  # noise of the prompts that are shown beside them
    SEGMENTS = 4  # which segments of demonstrations are drawn


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
    stream: np.random.SeedSequence  # the method's own random stream
    threads: int = 1
    precision: Precision = "auto"
    checkpoint: Checkpoint = field(default_factory=Checkpoint)  # long loops count on it
    # Only for methods registered with reads_training_tasks: 256 draws of each task.
    training_prompts: "PromptSet | None" = None  # (T, n, ..) of the training tasks
    prompt_set: "PromptSet | None" = None  # (R, n, ..) of each row's own task
    prompt_segments: int = 1  # J: a prompt is so many segments of P / J steps
    # Only for methods registered with reads_arms: of each row, every window of one
    # segment's length of its task's demonstrations; rows of a task share theirs.
    arms: "list[Segments] | None" = None  # R times (A, H, ..)
    # Shared by all methods of a suite and seed: variants of one begin with equal draws.
    shared_stream: np.random.SeedSequence = field(
        default_factory=lambda: np.random.SeedSequence(0)
    )

    def require_prompts(self) -> "Segments":
        """The initial prompts, for methods that move them."""
        if self.initial_prompts is None:
            found = f"backbone {self.backbone.name}, which takes no prompt"
            raise TrajpromptError("prompt tuning", found, "one that does")
        return self.initial_prompts

    def require_training_prompts(self) -> "PromptSet":
        """Prompts (T, n, ..) of the training tasks, for methods that learn from them."""
        if self.training_prompts is None:
            expected = "a method registered with reads_training_tasks=True"
            raise TrajpromptError("training prompts", "none", expected)
        return self.training_prompts

    def require_prompt_set(self) -> "PromptSet":
        """Prompts (R, n, ..) of each row's own task, for methods that learn from them."""
        if self.prompt_set is None:
            expected = "a method registered with reads_training_tasks=True"
            raise TrajpromptError("prompts of the own task", "none", expected)
        return self.prompt_set

    def require_arms(self) -> "list[Segments]":
        """Of each row the segments (A, H, ..) that its prompts may be made of."""
        if self.arms is None:
            expected = "a method registered with reads_arms=True"
            raise TrajpromptError("arms", "none", expected)
        return self.arms

    def streams(self, count: int) -> list[np.random.SeedSequence]:
        """``count`` independent streams, the same ones at every call."""
        return children(self.stream, count)

    def shared(self, purpose: SharedStream) -> np.random.SeedSequence:
        """A stream that is the same for all methods of a suite and seed."""
        return child(self.shared_stream, purpose)


@dataclass(frozen=True)
class Method:
    name: str
    options: type
    tune: Callable[[TuningProblem, Any], Adaptation]
    moves_prompts: bool = False  # then it cannot serve a backbone that takes none
    reads_training_tasks: bool = False  # then the training tasks' data are read for it
    reads_arms: bool = False  # then all windows of the demonstrations are cut for it


REGISTRY: dict[str, Method] = {}
Tune = TypeVar("Tune", bound=Callable[..., Adaptation])


def register(
    name: str,
    options: type,
    moves_prompts: bool = False,
    reads_training_tasks: bool = False,
    reads_arms: bool = False,
) -> Callable[[Tune], Tune]:
    """Enter a function into the registry under ``name``, that of its file with hyphens.

    ``options`` is its dataclass, a `Strict` one with a default for every option, so that
    every method can be tuned as it is, e.g. by the tests.
    """

    def enter(tune: Tune) -> Tune:
        _require_own_name(tune, name)
        _require_defaults(tune, options)
        reads = (reads_training_tasks, reads_arms)
        REGISTRY[name] = Method(name, options, tune, moves_prompts, *reads)
        return tune

    return enter


def _require_own_name(tune: Callable[..., Adaptation], name: str) -> None:
    """Raise unless the file is called as the method: the workflow finds its code by it."""
    expected = tune.__module__.rpartition(".")[2].replace("_", "-")
    if name != expected:
        remedy = (
            f"register it as '{expected}', or call the file {name.replace('-', '_')}.py"
        )
        found = f"registers a method named '{name}'"
        raise TrajpromptError(inspect.getfile(tune), found, f"'{expected}'", remedy)


def _require_defaults(tune: Callable[..., Adaptation], options: type) -> None:
    """Raise unless the options are `Strict` and the config may leave out any of them."""
    where = inspect.getfile(tune)
    if not (dataclasses.is_dataclass(options) and issubclass(options, Strict)):
        expected = "a dataclass that inherits from trajprompt.settings.options.Strict"
        raise TrajpromptError(where, f"options of type {options.__name__}", expected)
    for option in dataclasses.fields(options):
        if option.default is option.default_factory is dataclasses.MISSING:
            found = f"option {option.name} without a default"
            remedy = f"give {option.name} a default in {options.__name__}"
            raise TrajpromptError(where, found, "a default of every option", remedy)
