"""Signal of returns about prompts, before any tuning.

Candidates around the initial prompt are played from several resets. If two resets rank
them in the same order, one episode per candidate is enough. If not, ranking by one episode
is a random walk, and a search needs a larger smoothing or more episodes per candidate.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from trajprompt.seeds import child, torch_generator
from trajprompt.trajectories.segments import Segments
from trajprompt.tuning.oracle import ReturnOracle
from trajprompt.tuning.prompt_vectors import to_prompts, to_vectors
from trajprompt.tuning.protocol import TuningProblem
from trajprompt.tuning.ranking import rank_gradient

ROUNDING = 1e-9  # relative deviation of returns that counts as equal
CANDIDATES = 15  # m, PTDT Table 6; all are ranked


@dataclass(frozen=True)
class Signal:
    """Signal of one smoothing; every array is (R,), one value per row of the problem."""

    smoothing: float
    cosine: np.ndarray  # of the rank gradients of two resets, mean over all pairs
    reliability: np.ndarray  # of the returns of one reset
    candidates: np.ndarray  # standard deviation between candidates, reward units
    noise: np.ndarray  # standard deviation of one episode about its candidate


def signals(
    problem: TuningProblem, smoothings: Sequence[float], resets: int
) -> list[Signal]:
    """Measure the signal of every smoothing, on the same directions and resets."""
    template = problem.require_prompts()
    start = to_vectors(template)
    directions, played_from = problem.streams(2)
    generator = torch_generator(directions)
    shape = (len(start), CANDIDATES, start.shape[-1])
    noise = torch.randn(shape, generator=generator).to(start.device)
    found = []
    for smoothing in smoothings:
        vectors = start.unsqueeze(1) + smoothing * noise
        prompts = to_prompts(vectors.repeat_interleave(resets, dim=1), template)
        returns = _returns(problem, prompts, resets, played_from)
        found.append(signal(smoothing, noise, returns))
    return found


def signal(smoothing: float, noise: Tensor, returns: np.ndarray) -> Signal:
    """Signal of returns (R, m, E) of the candidates in directions ``noise`` (R, m, d)."""
    parts = [variances(row) for row in returns]
    between = np.array([part[0] for part in parts])
    within = np.array([part[1] for part in parts])
    total = between + within
    heard = total > (ROUNDING * np.abs(returns).max(axis=(1, 2))) ** 2
    reliability = np.divide(between, total, out=np.zeros_like(total), where=heard)
    cosine = gradient_cosine(noise, returns)
    deviation = np.sqrt(np.maximum(between, 0.0))
    return Signal(smoothing, cosine, reliability, deviation, np.sqrt(within))


def gradient_cosine(noise: Tensor, returns: np.ndarray) -> np.ndarray:
    """Return the mean cosine (R,) of the rank gradients (Eq. 3) of two resets.

    It is 0 for a pair of which one reset gives all candidates the same return.
    """
    count = noise.shape[1]
    objectives = [-torch.from_numpy(returns[:, :, e]) for e in range(returns.shape[2])]
    gradients = [rank_gradient(noise, values, count).double() for values in objectives]
    pairs = [
        torch.cosine_similarity(one, other, dim=-1)
        for one, other in itertools.combinations(gradients, 2)
    ]
    return torch.stack(pairs).mean(dim=0).cpu().numpy()


def variances(returns: np.ndarray) -> tuple[float, float]:
    """Estimate (between candidates, residual) variances of returns (m, E).

    Two-way analysis of variance without interaction: resets are common to the candidates,
    so that their effects do not change a ranking. between / (between + residual) is the
    intraclass correlation ICC(3,1) of Shrout & Fleiss (1979), which may be below 0.
    """
    m, resets = returns.shape
    mean = returns.mean()
    rows, columns = returns.mean(axis=1), returns.mean(axis=0)
    residuals = returns - rows[:, None] - columns + mean
    residual = float((residuals**2).sum() / ((m - 1) * (resets - 1)))
    by_candidate = float(resets * ((rows - mean) ** 2).sum() / (m - 1))
    return (by_candidate - residual) / resets, residual


def _returns(
    problem: TuningProblem, prompts: Segments, resets: int, sequence: np.random.SeedSequence
) -> np.ndarray:
    """Returns (R, m, E) of prompts (R, m * E, P, ..), all from the same E resets."""
    oracle = ReturnOracle(problem)
    seeds = [oracle.resets(child(sequence, number)) for number in range(resets)]
    by_reset = np.concatenate(seeds, axis=1)  # (R, E, 1)
    played = oracle(prompts, np.tile(by_reset, (1, CANDIDATES, 1)))
    return played.returns.reshape(len(by_reset), CANDIDATES, resets)
