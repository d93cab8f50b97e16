"""The interface of tuning methods: their problem, their result, their registration.

A method is one file in ``tuning/methods``::

    @register("my-method", MyOptions)
    def tune(problem: TuningProblem, options: MyOptions) -> Adaptation: ...

Set ``moves_prompts=True`` if it needs a backbone that takes prompts,
``reads_training_tasks=True`` if it uses ``problem.training_prompts``,
``reads_arms=True`` if it uses ``problem.arms``, and ``reads_relabelled=True`` if it tunes a
Contextual Meta Transformer and uses ``problem.relabelled``.
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
from trajprompt.settings.options import Engine, Precision, Strict

if TYPE_CHECKING:
    from torch import Tensor

    from trajprompt.models.backbone import Backbone
    from trajprompt.models.cmt.relabelled import Relabelled
    from trajprompt.rollout.requests import Player
    from trajprompt.tasks.suites import Suite
    from trajprompt.trajectories.segments import PromptSet, Segments
    from trajprompt.tuning.samples import Samples


class SharedStream(IntEnum):
    """Random streams that methods share: children of `TuningProblem.shared_stream`."""

    WEIGHTS = 0  # initial weights of a prompt generator
    PRETRAINING = 1  # batches and noise of its pretraining
    WRITTEN = 2  # initial noise of the adapted prompts
    SHOWN = 3  # initial noise of the example prompts in the report
    SEGMENTS = 4  # draws of segments of demonstrations


@dataclass(frozen=True)
class TuningProblem:
    """Tuning problem of one cell: every row is one prompt of one task, adapted separately.

    Rows are task-major: all prompts of the first task, then of the second, and so on.
    """

    suite: "Suite"
    rows: np.ndarray  # (R,) task index of each row
    prompts: np.ndarray  # (R,) number of the row's prompt within its task
    backbone: "Backbone"  # frozen; a method that changes weights copies it
    initial_prompts: "Segments | None"  # (R, P, ..); None if the backbone takes no prompt
    samples: "Samples"  # offline data that a method may use; the same for every method
    target_return: float  # return-to-go at the start of an episode, in reward units
    stream: np.random.SeedSequence  # the method's random stream
    threads: int = 1
    precision: Precision = "auto"
    engine: Engine = "torch"  # of rollouts on a CPU
    checkpoint: Checkpoint = field(default_factory=Checkpoint)  # for long loops
    player: "Player | None" = None  # of episodes; None: they are played at once, alone
    # Only for methods registered with reads_training_tasks: 256 draws of each task.
    training_prompts: "PromptSet | None" = None  # (T, n, ..) of the training tasks
    prompt_set: "PromptSet | None" = None  # (R, n, ..) of each row's task
    prompt_segments: int = 1  # J: number of segments per prompt, of P / J steps each
    # Only for methods registered with reads_arms: for each row, every window of one
    # segment's length of its task's demonstrations. Rows of a task share them.
    arms: "list[Segments] | None" = None  # R times (A, H, ..)
    # Only for methods registered with reads_relabelled: states with planned actions, and
    # the mean prompt (Z,) of the best episodes.
    relabelled: "tuple[Relabelled, Tensor] | None" = None
    # Shared by all methods of a suite and seed, so variants start from the same draws.
    shared_stream: np.random.SeedSequence = field(
        default_factory=lambda: np.random.SeedSequence(0)
    )

    def require_prompts(self) -> "Segments":
        """Return the initial prompts (R, P, ..), for methods that move them.

        Raises TrajpromptError if the backbone takes no prompt.
        """
        if self.initial_prompts is None:
            found = f"found backbone {self.backbone.name}, which takes no prompt"
            expected, remedy = "a backbone that takes one", "choose another condition"
            raise TrajpromptError("prompt tuning", found, expected, remedy)
        return self.initial_prompts

    def require_training_prompts(self) -> "PromptSet":
        """Return prompts (T, n, ..) of the training tasks.

        Raises TrajpromptError if the method is not registered to read them.
        """
        if self.training_prompts is None:
            expected = "a method registered with reads_training_tasks=True"
            remedy = "register the method with it"
            raise TrajpromptError("training prompts", "found none", expected, remedy)
        return self.training_prompts

    def require_prompt_set(self) -> "PromptSet":
        """Return prompts (R, n, ..) of each row's task.

        Raises TrajpromptError if the method is not registered to read them.
        """
        if self.prompt_set is None:
            expected = "a method registered with reads_training_tasks=True"
            where, remedy = "prompts of the row's task", "register the method with it"
            raise TrajpromptError(where, "found none", expected, remedy)
        return self.prompt_set

    def require_arms(self) -> "list[Segments]":
        """Return R times (A, H, ..): the segments from which each row's prompts are chosen.

        Raises TrajpromptError if the method is not registered to read them.
        """
        if self.arms is None:
            expected = "a method registered with reads_arms=True"
            remedy = "register the method with it"
            raise TrajpromptError("arms", "found none", expected, remedy)
        return self.arms

    def require_relabelled(self) -> "tuple[Relabelled, Tensor]":
        """Return the relabelled states and the best prompt (Z,).

        Raises TrajpromptError if the method is not registered to read them.
        """
        if self.relabelled is None:
            expected = "a method registered with reads_relabelled=True"
            remedy = "register the method with it"
            raise TrajpromptError("relabelled data", "found none", expected, remedy)
        return self.relabelled

    def streams(self, count: int) -> list[np.random.SeedSequence]:
        """Return ``count`` independent streams, the same at every call."""
        return children(self.stream, count)

    def shared(self, purpose: SharedStream) -> np.random.SeedSequence:
        """Return a stream that is the same for all methods of a suite and seed."""
        return child(self.shared_stream, purpose)


@dataclass(frozen=True)
class Method:
    name: str
    options: type
    tune: Callable[[TuningProblem, Any], Adaptation]
    moves_prompts: bool = False  # True: it needs a backbone that takes prompts
    reads_training_tasks: bool = False  # True: the data of the training tasks are read
    reads_arms: bool = False  # True: all windows of the demonstrations are provided
    reads_relabelled: bool = False  # True: it tunes a CMT, with planned actions


REGISTRY: dict[str, Method] = {}
Tune = TypeVar("Tune", bound=Callable[..., Adaptation])


def register(
    name: str,
    options: type,
    moves_prompts: bool = False,
    reads_training_tasks: bool = False,
    reads_arms: bool = False,
    reads_relabelled: bool = False,
) -> Callable[[Tune], Tune]:
    """Register the decorated function as method ``name``, its file name with hyphens.

    ``options`` is its dataclass: a `Strict` one with a default for every option, with which
    tests run every method. Raises TrajpromptError for another name or other options.
    """

    def decorate(tune: Tune) -> Tune:
        _require_file_name(tune, name)
        _require_defaults(tune, options)
        reads = (reads_training_tasks, reads_arms, reads_relabelled)
        REGISTRY[name] = Method(name, options, tune, moves_prompts, *reads)
        return tune

    return decorate


def _require_file_name(tune: Callable[..., Adaptation], name: str) -> None:
    """Raise unless the file has the method's name, by which the workflow finds its code."""
    expected = tune.__module__.rpartition(".")[2].replace("_", "-")
    if name != expected:
        file = f"{name.replace('-', '_')}.py"
        remedy = f"register it as '{expected}', or rename the file to {file}"
        found = f"registers a method named '{name}'"
        raise TrajpromptError(inspect.getfile(tune), found, f"'{expected}'", remedy)


def _require_defaults(tune: Callable[..., Adaptation], options: type) -> None:
    """Raise unless the options are `Strict` and have defaults."""
    where = inspect.getfile(tune)
    if not (dataclasses.is_dataclass(options) and issubclass(options, Strict)):
        expected = "a dataclass that inherits from trajprompt.settings.options.Strict"
        found, remedy = f"found options of type {options.__name__}", "change their class"
        raise TrajpromptError(where, found, expected, remedy)
    for option in dataclasses.fields(options):
        if option.default is option.default_factory is dataclasses.MISSING:
            found = f"found option {option.name} without a default"
            remedy = f"give {option.name} a default in {options.__name__}"
            raise TrajpromptError(where, found, "a default for every option", remedy)
