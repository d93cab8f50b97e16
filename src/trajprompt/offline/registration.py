"""Registration of an algorithm: the decorator of its class, and what it records.

The name is the kind of backbone that the algorithm trains.
"""

import dataclasses
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from trajprompt.errors import TrajpromptError
from trajprompt.offline.protocol import Learner, OfflineOptions


@dataclass(frozen=True)
class Algorithm:
    name: str
    options: type
    learner: Callable[..., Learner]


REGISTRY: dict[str, Algorithm] = {}
Made = TypeVar("Made", bound=type[Learner])


def register(name: str, options: type) -> Callable[[Made], Made]:
    """Register the decorated class as algorithm ``name``, its file name with hyphens.

    ``options`` is its dataclass, an `OfflineOptions` with a default for every option.
    Raises TrajpromptError for another name or other options.
    """

    def decorate(learner: Made) -> Made:
        file = inspect.getfile(learner)
        expected = learner.__module__.rpartition(".")[2].replace("_", "-")
        if name != expected:
            found = f"registers an algorithm named '{name}'"
            remedy = f"register it as '{expected}', or rename the file"
            raise TrajpromptError(file, found, f"'{expected}'", remedy)
        if not (dataclasses.is_dataclass(options) and issubclass(options, OfflineOptions)):
            found = f"found options of type {options.__name__}"
            expected = "a dataclass that inherits from OfflineOptions"
            raise TrajpromptError(file, found, expected, "change their class")
        REGISTRY[name] = Algorithm(name, options, learner)
        return learner

    return decorate
