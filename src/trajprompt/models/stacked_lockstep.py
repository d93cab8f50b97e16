"""The policy of several backbones at once, all episodes at the same control step."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from trajprompt.models.backbone import Backbone
from trajprompt.models.lockstep import check_prompts
from trajprompt.models.stacked_inference import StackedInference
from trajprompt.numerics.device import keep_freed_memory, resolve_precision
from trajprompt.trajectories.segments import Segments

# Engines by what they were built for. The backbones are kept because their ids are keys.
Engines = dict[tuple[object, ...], tuple[StackedInference, tuple[Backbone, ...]]]


@dataclass(frozen=True)
class Actor:
    """A backbone and the episodes that it plays: consecutive rows of the simulator."""

    backbone: Backbone
    prompts: Segments | None  # (N, P, ..); None if the backbone takes no prompt
    rows: int  # N
    target_return: float  # reward units

    @property
    def shape(self) -> object:
        """What actors must share to be computed together."""
        steps = 0 if self.prompts is None else self.prompts.length
        return self.backbone.config, self.rows, steps


class StackedPolicy:
    """The actors' rows in their order; actors of one shape are computed together.

    On a CPU an actor's actions do not depend on the other actors. They equal those of
    `LockstepPolicy` up to rounding. Use a policy for one episode per row.
    """

    def __init__(
        self,
        actors: Sequence[Actor],
        precision: str = "auto",
        graphs: bool = True,
        engines: Engines | None = None,  # of earlier policies, used again
    ):
        keep_freed_memory()
        for actor in actors:
            check_prompts(actor.backbone, actor.prompts, actor.rows)
        known = {} if engines is None else engines
        ends = np.cumsum([actor.rows for actor in actors])
        groups: dict[object, list[int]] = {}
        for index, actor in enumerate(actors):
            groups.setdefault(actor.shape, []).append(index)
        self.groups = [
            _engine([actors[i] for i in chosen], precision, graphs, known)
            for chosen in groups.values()
        ]
        # Rows of the simulator of each group, in the group's order.
        self.rows = [
            np.concatenate([np.arange(ends[i] - actors[i].rows, ends[i]) for i in chosen])
            for chosen in groups.values()
        ]
        self.scale = np.concatenate(
            [np.full(actor.rows, actor.backbone.return_scale) for actor in actors]
        )
        target = [np.full(actor.rows, actor.target_return, float) for actor in actors]
        self.returns_to_go = np.concatenate(target) / self.scale
        self.action_dim = actors[0].backbone.config.action_dim

    @torch.no_grad()
    def act(self, observations: np.ndarray) -> np.ndarray:
        """Actions (N, A) float32 for the observations (N, S) of this control step."""
        for group, rows in zip(self.groups, self.rows, strict=True):
            _write(group.observations, observations[rows])
            _write(group.returns, self.returns_to_go[rows])
            group.step()
        actions = np.empty((len(observations), self.action_dim), np.float32)
        for group, rows in zip(self.groups, self.rows, strict=True):
            actions[rows] = group.actions.flatten(0, 1).cpu().numpy()
        return actions

    def receive(self, rewards: np.ndarray) -> None:
        """Subtract the rewards (N,) of the last actions from the returns-to-go."""
        self.returns_to_go -= rewards / self.scale


def _engine(
    actors: Sequence[Actor], precision: str, graphs: bool, engines: Engines
) -> StackedInference:
    """The engine of actors of one shape, at the start of new episodes."""
    backbones, rows = tuple(actor.backbone for actor in actors), actors[0].rows
    given = [actor.prompts for actor in actors if actor.prompts is not None]
    prompts = Segments(*map(torch.stack, zip(*given, strict=True))) if given else None
    steps = 0 if prompts is None else prompts.length
    key = (*map(id, backbones), rows, steps, precision)
    device = backbones[0].device
    if key not in engines:
        dtype = resolve_precision(precision, device)
        built = StackedInference(backbones, rows, steps, dtype, graphs)
        engines[key] = built, backbones
    engine, _ = engines[key]
    engine.start(None if prompts is None else prompts.to(device))
    return engine


def _write(buffer: torch.Tensor, values: np.ndarray) -> None:
    """Copy values (S * R, ..) into a static buffer (S, R, ..)."""
    buffer.copy_(torch.as_tensor(values, dtype=torch.float32).view(buffer.shape))
