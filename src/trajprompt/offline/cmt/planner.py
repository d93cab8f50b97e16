"""Beam planning in a model of the world, after Trajectory Transformer's beam search.

A plan has a prompt and a first action; its later actions are the model's, with noise. All
plans of a state grow together: at each step every plan is continued in several ways, and
those with the highest scores are kept. A score is the discounted sum of rewards so far and
the value of the last state (Janner et al. 2021, arXiv 2106.02039, section 4).
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from trajprompt.settings.options import NonNegative, SmallCount, Strict


@dataclass(frozen=True)
class PlanningOptions(Strict):
    """The paper prints none. Trajectory Transformer: horizon 5 to 20, beam 32 to 256."""

    horizon: SmallCount = 5  # steps
    beam: SmallCount = 16  # plans that are kept per state
    expansions: SmallCount = 2  # continuations of each plan; the first one without noise
    noise: NonNegative = 0.1  # standard deviation, on actions in [-1, 1]


class World(Protocol):
    """A model of policy and environment in N rows, one plan each."""

    def propose(self) -> tuple[Tensor, Tensor]:
        """Actions (N, A) and values (N,) of the present states."""
        ...

    def advance(self, actions: Tensor) -> Tensor:
        """Do the actions (N, A); return the rewards (N,)."""
        ...

    def select(self, rows: Tensor) -> "World":
        """The rows (N',) in this order, possibly repeated, as a world of their own."""
        ...


class Plans(NamedTuple):
    """The best plan of each of m states, and its plan with the logged action."""

    actions: Tensor  # (m, A) first action
    scores: Tensor  # (m,)
    logged_scores: Tensor  # (m,), at most the best plan's


def plan(
    world: World,
    logged: Tensor,
    options: PlanningOptions,
    discount: float,
    generator: torch.Generator,
) -> Plans:
    """Best first actions for m states, given their ``logged`` actions (m, A).

    The world has P rows per state, state by state, each with a prompt. The first row of a
    state begins with the logged action and continues without noise; it is always kept, so
    that the best plan is at least as good.
    """
    count = len(logged)
    actions, _ = world.propose()
    actions = actions.view(count, -1, actions.shape[-1])
    actions = torch.cat([logged[:, None], actions[:, 1:]], 1)  # (m, P, A)
    first, total = actions, torch.zeros(actions.shape[:2])
    for step in range(options.horizon):
        actions, rows = _expand(actions, options, generator)
        world = world.select(rows)
        first = first.repeat_interleave(options.expansions, 1) if step else actions
        total = total.repeat_interleave(options.expansions, 1)
        rewards = world.advance(actions.flatten(0, 1)).view(count, -1)
        total = total + discount**step * rewards
        proposed, values = world.propose()
        scores = total + discount ** (step + 1) * values.view(count, -1)
        kept = _best(scores, options.beam)  # (m, beam)
        places = kept + torch.arange(count)[:, None] * scores.shape[1]
        world = world.select(places.flatten())
        actions = proposed[places]
        first, total = _taken(first, kept), total.gather(1, kept)
        scores = scores.gather(1, kept)
    best = scores.argmax(1)
    chosen = first[torch.arange(count), best]
    return Plans(chosen, scores.amax(1), scores[:, 0])


def _expand(
    actions: Tensor, options: PlanningOptions, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Continuations (m, P * E, A) of the actions (m, P, A), and the row of each."""
    count, plans, size = actions.shape
    noise = torch.randn(count, plans, options.expansions, size, generator=generator)
    noise[:, :, 0] = 0.0
    varied = (actions[:, :, None] + options.noise * noise).clamp(-1, 1)
    varied[:, :, 0] = actions
    rows = torch.arange(count * plans).repeat_interleave(options.expansions)
    return varied.flatten(1, 2), rows


def _best(scores: Tensor, beam: int) -> Tensor:
    """Places (m, beam) of the highest scores (m, n); the first place always comes first."""
    ranked = scores.clone()
    ranked[:, 0] = torch.inf
    return ranked.topk(min(beam, scores.shape[1]), 1).indices


def _taken(values: Tensor, places: Tensor) -> Tensor:
    """Values (m, n, A) at the places (m, k)."""
    return values.gather(1, places[..., None].expand(-1, -1, values.shape[-1]))
