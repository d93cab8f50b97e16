"""Relabelling (section 4.1): actions of the data replaced by those of better plans."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from trajprompt.models.cmt.model import Cmt
from trajprompt.models.cmt.relabelled import Relabelled
from trajprompt.offline.cmt.generator_world import world_of
from trajprompt.offline.cmt.objective import supervised
from trajprompt.offline.cmt.planner import PlanningOptions, plan
from trajprompt.offline.cmt.windows import Windows, WindowTable
from trajprompt.progress import progress
from trajprompt.settings.options import Count, OptionError, Rate, SmallCount

PART = 64  # states that are planned at once; more need more memory
MEASURED = 2048  # windows of the errors of the model


@dataclass(frozen=True)
class RelabelOptions(PlanningOptions):
    states: Count = 512  # that are relabelled
    prompts: SmallCount = 16  # per state: its own, and others of the best episodes
    best_share: Rate = 0.1  # of the episodes, those with the highest returns


@torch.no_grad()
def relabel(
    model: Cmt,
    table: WindowTable,
    returns: np.ndarray,
    options: RelabelOptions,
    generator: torch.Generator,
) -> Relabelled:
    """Relabel random states of the ``table`` in the frozen ``model``.

    ``returns`` (E,) of the episodes choose those whose prompts other states try.
    """
    windows, places = _draw(table, model.config.context_length, options, generator)
    prompts = model.encoder(windows.history)
    best = best_prompts(model, table, returns, options.best_share)
    actions = torch.empty(options.states, model.config.action_dim)
    gains = torch.empty(options.states)
    # States at equal places of their windows have equally long contexts.
    order = torch.argsort(places, stable=True)
    parts = [
        part
        for place in range(int(places.max()) + 1)
        for part in order[places[order] == place].split(PART)
        if len(part)
    ]
    for part in progress(parts, "relabel", "part"):
        place = int(places[part[0]])
        others = torch.randint(
            len(best), (len(part), options.prompts - 1), generator=generator
        )
        own = prompts[part][:, None]
        tried = torch.cat([own, own, best[others]], 1)  # the first: the logged action's
        plans = tried.shape[1]

        def repeated(values: Tensor, count: int = plans) -> Tensor:
            return values.repeat_interleave(count, 0)

        world = world_of(
            model,
            tried.flatten(0, 1),
            repeated(windows.states[part, : place + 1]),
            repeated(windows.actions[part, :place]),
            repeated(windows.rewards[part, :place]),
        )
        logged = windows.actions[part, place]
        found = plan(world, logged, options, model.config.discount, generator)
        gains[part] = found.scores - found.logged_scores
        better = (gains[part] > 0)[:, None]
        actions[part] = torch.where(better, found.actions, logged)
    logged = windows.actions[torch.arange(options.states), places]
    return Relabelled(
        prompts,
        windows.states,
        windows.actions,
        windows.rewards,
        places,
        actions,
        logged,
        gains,
    )


@torch.no_grad()
def best_prompts(
    model: Cmt, table: WindowTable, returns: np.ndarray, share: float
) -> Tensor:
    """Prompts (n, Z) of the windows of the best ``share`` of the episodes.

    Windows are those of play: they follow each other from the start of the episode. The
    first one of an episode has no history, and is left out.
    """
    count = max(1, int(share * len(returns)))
    chosen = torch.from_numpy(np.argsort(returns, kind="stable")[-count:].copy())
    first = torch.arange(len(table)) - table.first
    apart = (first % table.length == 0) & (first > 0)
    rows = torch.nonzero(torch.isin(table.episode, chosen) & apart)[:, 0]
    if len(rows) == 0:  # no episode is longer than a window
        rows = torch.nonzero(torch.isin(table.episode, chosen) & (first > 0))[:, 0]
    histories = table.history(rows, table.first[rows])
    return torch.cat(
        [
            model.encoder(type(histories)(*(x[part] for x in histories)))
            for part in torch.arange(len(rows)).split(1024)
        ]
    )


@torch.no_grad()
def explained_variances(
    model: Cmt, table: WindowTable, generator: torch.Generator
) -> dict[str, float]:
    """R² of the model's predictions of one step on windows of the table, by part.

    1 less the mean squared error over the variance of what is predicted.
    """
    index = torch.randint(len(table), (MEASURED,), generator=generator)
    windows = table.batch(index)
    errors = supervised(model, windows, model.encoder(windows.history))
    targets = {
        "action": windows.actions,
        "value": windows.values,
        "reward": windows.rewards,
        "change": windows.changes,
    }
    found = {}
    for name, target in targets.items():
        shown = target[windows.mask]  # (steps, ..)
        variance = shown.var(0, correction=0).mean()
        found[name] = float(1 - errors[name] / variance.clamp(min=1e-12))
    return found


def _draw(
    table: WindowTable, length: int, options: RelabelOptions, generator: torch.Generator
) -> tuple[Windows, Tensor]:
    """Random windows (M,), and the place of a state in each that plans can start from.

    A plan ends within the window, so that the generator has seen as many steps.
    """
    last = length - 1 - options.horizon
    if last < 0:
        found = f"{options.horizon} steps"
        expected = f"fewer than the {length} steps of the model's context"
        raise OptionError("horizon", found, expected)
    index = torch.randint(len(table), (options.states,), generator=generator)
    windows = table.batch(index)
    places = torch.randint(last + 1, (options.states,), generator=generator)
    return windows, torch.minimum(places, windows.mask.sum(1) - 1)
