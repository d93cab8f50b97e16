"""Gaussian policy of a learner, as arrays that a file can hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np

from trajprompt.errors import TrajpromptError
from trajprompt.numerics.gaussian import LOG_STD_RANGE

REMEDY = "make the teacher again with `trajprompt teach`"


@dataclass(frozen=True)
class MlpPolicy:
    """Perceptron that maps observations to the Gaussian of an action.

    ``log_std`` is a constant (A,), or None if the outputs are means and log standard
    deviations: then hidden units are ReLU and actions the tanh of a sample (SAC).
    Otherwise they are tanh, and samples are clipped to [-1, 1], as simulators clip them
    (PPO).
    """

    weights: tuple[np.ndarray, ...]  # (inputs, outputs) of each layer, float32
    biases: tuple[np.ndarray, ...]  # (outputs,)
    shift: np.ndarray  # (S,): features are (observation - shift) / scale
    scale: np.ndarray  # (S,)
    limit: np.ndarray  # (): features are clipped to it
    log_std: np.ndarray | None = None

    def act(
        self, observations: np.ndarray, generator: np.random.Generator | None
    ) -> np.ndarray:
        """Actions (N, A) float32 in [-1, 1] for observations (N, S).

        They are samples, or the mean actions without a ``generator``.
        """
        sample, log_std = self.gaussian(observations)
        if generator is not None:
            noise = generator.standard_normal(sample.shape)
            sample = sample + np.exp(log_std) * noise
        bounded = np.tanh(sample) if self.log_std is None else np.clip(sample, -1.0, 1.0)
        return bounded.astype(np.float32)

    def gaussian(self, observations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Means (N, A) and log standard deviations, (N, A) or (A,), in double precision.

        In single precision NumPy's products have other last digits on other systems.
        """
        scaled = (observations - self.shift) / self.scale
        x = np.clip(scaled, -self.limit, self.limit).astype(np.float64)
        for place, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = x @ weight.astype(np.float64) + bias
            if place < len(self.weights) - 1:
                x = np.maximum(x, 0.0) if self.log_std is None else np.tanh(x)
        if self.log_std is not None:
            return x, self.log_std.astype(np.float64)
        mean, log_std = np.split(x, 2, axis=1)
        return mean, np.clip(log_std, *LOG_STD_RANGE)

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays by name, for a file."""
        named = {"shift": self.shift, "scale": self.scale, "limit": self.limit}
        if self.log_std is not None:
            named["log_std"] = self.log_std
        for place, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            named |= {f"weight_{place}": weight, f"bias_{place}": bias}
        return named

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], where: str = "policy") -> Self:
        """The policy whose `arrays` are given; TrajpromptError if it has other names."""
        count = sum(name.startswith("weight_") for name in arrays)
        names = {f"{kind}_{place}" for kind in ("weight", "bias") for place in range(count)}
        names |= {"shift", "scale", "limit"}
        if arrays.keys() - {"log_std"} != names:
            found = f"found arrays {', '.join(sorted(arrays))[:160]}"
            expected = f"{', '.join(sorted(names))}, and log_std or not"
            raise TrajpromptError(where, found, expected, REMEDY)
        return cls(
            weights=tuple(arrays[f"weight_{place}"] for place in range(count)),
            biases=tuple(arrays[f"bias_{place}"] for place in range(count)),
            **{name: arrays[name] for name in ("shift", "scale", "limit")},
            log_std=arrays.get("log_std"),
        )

    def check(self, states: int, actions: int, where: str) -> None:
        """Raise TrajpromptError unless all shapes fit observations and actions.

        Also if a scale or the limit is not positive.
        """
        outputs = actions if self.log_std is not None else 2 * actions
        sizes = [states, *(bias.size for bias in self.biases)]
        expected = [*pairwise(sizes)]
        fits = (
            [bias.shape for bias in self.biases] == [(size,) for size in sizes[1:]]
            and [weight.shape for weight in self.weights] == expected
            and len(self.weights) == len(self.biases) > 0
            and sizes[-1] == outputs
            and self.shift.shape == self.scale.shape == (states,)
            and self.limit.shape == ()
            and (self.log_std is None or self.log_std.shape == (actions,))
        )
        if not fits:
            shapes = {name: array.shape for name, array in self.arrays().items()}
            text = f"a perceptron from {states} to {outputs} values"
            raise TrajpromptError(where, f"found shapes {shapes!r:.300}", text, REMEDY)
        for name, smallest in (("scale", self.scale.min()), ("limit", self.limit)):
            if not smallest > 0:
                text = "positive numbers"
                raise TrajpromptError(where, f"found {name} {smallest}", text, REMEDY)


def policies_state(policies: Sequence[tuple[int, MlpPolicy]]) -> dict[str, Any]:
    """State of policies with their numbers of steps, for `checkpoint.Resumable`."""
    return {str(steps): policy.arrays() for steps, policy in policies}


def policies_from(state: Mapping[str, Any]) -> list[tuple[int, MlpPolicy]]:
    """The policies whose `policies_state` is given, by steps."""
    found = [
        (int(steps), MlpPolicy.from_arrays({n: np.array(a) for n, a in arrays.items()}))
        for steps, arrays in state.items()
    ]
    return sorted(found, key=lambda pair: pair[0])
