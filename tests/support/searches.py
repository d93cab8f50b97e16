"""Methods that search by playing, run by name."""

import torch

from support.tuning_problem import ACTION, PROMPT, STATE
from trajprompt.adaptations.adaptation import Adaptation
from trajprompt.tuning.protocol import TuningProblem
from trajprompt.tuning.registry import get_method

SIZE = PROMPT * (1 + STATE + ACTION)


def run(name: str, problem: TuningProblem, **options) -> Adaptation:
    method = get_method(name)
    return method.tune(problem, method.options(**options))


def first_state(vectors: torch.Tensor) -> torch.Tensor:
    """Return the first value of the first state, which differs between arms."""
    return vectors[..., 1]
