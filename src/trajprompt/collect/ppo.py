"""Proximal policy optimisation (Schulman et al. 2017, arXiv 1707.06347) for one task.

N rows play the Gaussian policy for some steps; then the policy and a value network take
several epochs of gradient steps on these rollouts. Observations and rewards are scaled by
running statistics, as in OpenAI's baselines.
"""

import itertools
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from trajprompt.collect.options import PpoOptions
from trajprompt.collect.running_moments import RunningMoments
from trajprompt.errors import TrajpromptError
from trajprompt.numerics.flat_adamw import FlatAdamW
from trajprompt.numerics.gaussian import LOG_ROOT_TWO_PI
from trajprompt.numerics.networks import flatten_parameters

OBSERVATION_RANGE = 10.0  # of normalised observations, in standard deviations


class Rollout(NamedTuple):
    """T steps of N rows under one policy; rewards are scaled."""

    features: np.ndarray  # (T, N, F) normalised observations
    actions: np.ndarray  # (T, N, A) as sampled, before the simulator clips them
    log_probs: np.ndarray  # (T, N)
    values: np.ndarray  # (T, N)
    rewards: np.ndarray  # (T, N)
    ends: np.ndarray  # (T, N) bool: the episode ended after this step
    # (T, N) value of the state after an episode's last step; 0 if it terminated. Only
    # entries with ``ends`` are used.
    end_values: np.ndarray
    last_values: np.ndarray  # (N,) values of the states after the rollout


def advantages(rollout: Rollout, discount: float, decay: float) -> np.ndarray:
    """Generalised advantage estimates (T, N) (arXiv 1506.02438, Eq. 16).

    A time limit is not a termination: the value of the state that it cut off is added.
    """
    estimates = np.zeros_like(rollout.rewards)
    following, after = rollout.last_values, np.zeros_like(rollout.last_values)
    for step in reversed(range(len(rollout.rewards))):
        ended = rollout.ends[step]
        bootstrap = np.where(ended, rollout.end_values[step], following)
        error = rollout.rewards[step] + discount * bootstrap - rollout.values[step]
        after = error + discount * decay * np.where(ended, 0.0, after)
        estimates[step], following = after, rollout.values[step]
    return estimates


def clipped_loss(ratio: Tensor, advantage: Tensor, clip: float) -> Tensor:
    """Minus the clipped surrogate objective of arXiv 1707.06347, Eq. 7."""
    limited = ratio.clamp(1 - clip, 1 + clip)
    return -torch.minimum(ratio * advantage, limited * advantage).mean()


class Ppo:
    """Gaussian policy, value network and scales of observations and rewards."""

    def __init__(
        self,
        observations: int,
        actions: int,
        rows: int,
        options: PpoOptions,
        initial: torch.Generator,
        noise: torch.Generator,
        where: str = "ppo",  # in errors
    ):
        self.options, self.noise, self.where = options, noise, where
        self.network = ActorCritic(observations, actions, options, initial)
        self.vector = flatten_parameters(self.network)
        self.optimiser = FlatAdamW(self.vector, options.learning_rate)
        self.seen = RunningMoments((observations,))
        self.gains = RunningMoments(())  # of the discounted sums of rewards
        self.sums = np.zeros(rows)

    def normalise(self, observations: np.ndarray) -> np.ndarray:
        """Features (N, F) float32: observations in running standard deviations."""
        scaled = (observations - self.seen.mean) / np.sqrt(self.seen.variance + 1e-8)
        return np.clip(scaled, -OBSERVATION_RANGE, OBSERVATION_RANGE).astype(np.float32)

    @torch.no_grad()
    def act(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Sampled actions (N, A), their log densities (N,) and the values (N,)."""
        mean, log_std, values = self.network(torch.from_numpy(features))
        noise = torch.randn(mean.shape, generator=self.noise)
        actions = mean + log_std.exp() * noise
        densities = log_density(actions, mean, log_std)
        return actions.numpy(), densities.numpy(), values.numpy()

    @torch.no_grad()
    def values(self, features: np.ndarray) -> np.ndarray:
        """Values (N,) of ``features`` (N, F)."""
        return self.network.value(torch.from_numpy(features)).numpy()[:, 0]

    def scale_rewards(self, rewards: np.ndarray, ended: np.ndarray) -> np.ndarray:
        """Rewards (N,) divided by the running deviation of their discounted sums."""
        self.sums = self.sums * self.options.discount + rewards
        self.gains.add(self.sums)
        self.sums[ended] = 0.0
        return rewards / np.sqrt(self.gains.variance + 1e-8)

    def learn(self, rollout: Rollout, progress: float, generator: torch.Generator) -> None:
        """Take all gradient steps on one rollout; ``progress`` in [0, 1] of learning.

        Raises TrajpromptError before a step whose loss or gradient is not finite.
        """
        options = self.options
        self.optimiser.learning_rate = options.learning_rate * (1 - progress)
        gains = advantages(rollout, options.discount, options.gae_decay)
        arrays = (
            rollout.features,
            rollout.actions,
            rollout.log_probs,
            gains,
            gains + rollout.values,
        )
        count = gains.size
        columns = [torch.from_numpy(a.reshape(count, *a.shape[2:])).float() for a in arrays]
        for _ in range(options.epochs):
            order = torch.randperm(count, generator=generator)
            for chosen in order.split(options.minibatch):
                self._step(*(column[chosen] for column in columns))

    def _step(
        self, features: Tensor, actions: Tensor, old: Tensor, gains: Tensor, targets: Tensor
    ) -> None:
        mean, log_std, values = self.network(features)
        ratio = (log_density(actions, mean, log_std) - old).exp()
        gains = (gains - gains.mean()) / (gains.std() + 1e-8)
        loss = clipped_loss(ratio, gains, self.options.clip)
        loss = loss + self.options.value_weight * (values - targets).square().mean()
        gradient = self.vector.grad
        assert gradient is not None
        gradient.zero_()
        loss.backward()
        norm = gradient.norm()
        self._require_finite("loss", loss.item())
        self._require_finite("gradient norm", norm.item())
        share = self.options.gradient_clip / (norm + 1e-6)
        gradient.mul_(share.clamp(max=1.0))
        self.optimiser.step()

    def _require_finite(self, name: str, value: float) -> None:
        if not math.isfinite(value):
            found = (
                f"found {name} {value} after {int(self.optimiser.updates)} gradient steps"
            )
            remedy = "lower learning_rate, or change run_seed"
            raise TrajpromptError(self.where, found, "a finite value", remedy)

    def state(self) -> dict[str, Any]:
        """State for `checkpoint.Resumable`."""
        return {
            "noise": self.noise.get_state(),
            "optimiser": self.optimiser.state(),
            "seen": self.seen.state(),
            "gains": self.gains.state(),
            "sums": self.sums,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self.noise.set_state(torch.as_tensor(state["noise"]))
        self.optimiser.restore(state["optimiser"])
        self.seen.restore(state["seen"])
        self.gains.restore(state["gains"])
        self.sums[:] = state["sums"]


class ActorCritic(nn.Module):
    """Two perceptrons with tanh, and a log standard deviation for each action."""

    def __init__(
        self, features: int, actions: int, options: PpoOptions, generator: torch.Generator
    ):
        super().__init__()
        hidden = (features, options.width, options.width)
        self.mean = _perceptron((*hidden, actions), 0.01, generator)
        self.value = _perceptron((*hidden, 1), 1.0, generator)
        self.log_std = nn.Parameter(torch.full((actions,), options.initial_log_std))

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Means (B, A), log standard deviations (A,) and values (B,)."""
        return self.mean(features), self.log_std, self.value(features)[:, 0]


def log_density(actions: Tensor, mean: Tensor, log_std: Tensor) -> Tensor:
    """Log density (B,) of ``actions`` (B, A) under Gaussians."""
    scaled = (actions - mean) * (-log_std).exp()
    return (-0.5 * scaled.square() - log_std - LOG_ROOT_TWO_PI).sum(-1)


def _perceptron(
    sizes: tuple[int, ...], last_gain: float, generator: torch.Generator
) -> nn.Sequential:
    """Perceptron with orthogonal weights, of gain √2 and ``last_gain``, and zero biases."""
    layers: list[nn.Module] = []
    for place, (inputs, outputs) in enumerate(itertools.pairwise(sizes)):
        layer = nn.Linear(inputs, outputs)
        last = place == len(sizes) - 2
        gain = last_gain if last else math.sqrt(2)
        nn.init.orthogonal_(layer.weight, gain, generator=generator)
        nn.init.zeros_(layer.bias)
        layers += [layer] if last else [layer, nn.Tanh()]
    return nn.Sequential(*layers)
