"""Loss of the representation stage: L = L1 + gamma L2 (section 4.1)."""

import torch
from torch import Tensor

from trajprompt.models.cmt.encoder import History
from trajprompt.models.cmt.model import Cmt
from trajprompt.offline.cmt.contrastive import info_nce
from trajprompt.offline.cmt.options import CmtOptions
from trajprompt.offline.cmt.windows import Windows


def hidden_histories(history: History, hidden: Tensor) -> History:
    """The histories, empty where ``hidden`` (B,) is True."""
    shown = ~hidden[:, None]
    return history._replace(
        states=history.states * shown[..., None],
        actions=history.actions * shown[..., None],
        rewards=history.rewards * shown,
        mask=history.mask & shown,
    )


def supervised(model: Cmt, windows: Windows, prompts: Tensor) -> dict[str, Tensor]:
    """Mean squared errors of Eq. 2 by part, over the steps of the windows (B, K)."""
    found = model.generator(prompts, windows.states, windows.actions, windows.rewards)
    errors = {
        "action": (found.actions - windows.actions).square().mean(-1),
        "value": (found.values - windows.values).square(),
        "reward": (found.rewards - windows.rewards).square(),
        "change": (found.changes - windows.changes).square().mean(-1),
    }
    steps = windows.mask.sum()
    return {name: (part * windows.mask).sum() / steps for name, part in errors.items()}


def losses(
    model: Cmt, windows: Windows, other: History, hidden: Tensor, options: CmtOptions
) -> dict[str, Tensor]:
    """The loss and its parts for windows (B,), by name.

    ``other`` is another history of each window's episode, its positive in Eq. 3. Histories
    are hidden from L1 where ``hidden`` (B,) is True, because play begins without one.
    """
    prompts = model.encoder(hidden_histories(windows.history, hidden))
    parts = supervised(model, windows, prompts)
    total = sum(parts.values()) + (options.action_weight - 1) * parts["action"]
    if options.contrast:
        # Only windows with a history: all empty ones have the same prompt.
        full = windows.history.mask.any(1) & ~hidden
        parts["contrast"] = info_nce(
            prompts[full],
            model.encoder(History(*(part[full] for part in other))),
            windows.episodes[full],
            options.temperature,
        )
        total = total + options.contrast * parts["contrast"]
    return {"total": torch.as_tensor(total), **parts}
