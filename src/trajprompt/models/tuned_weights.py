"""The weights that methods store, completed to a state dict of the tuned model."""

from collections.abc import Mapping

from torch import Tensor

from trajprompt.models.low_rank import LOW_RANK, merged
from trajprompt.models.prefix import PREFIX

ADAPTORS = "adaptors."  # prefix of the names of the adaptors' tensors


def completed(
    state: Mapping[str, Tensor], weights: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Return the state dict of the model that ``weights`` make of a backbone's ``state``.

    ``weights`` are a complete state dict, or only adaptors, prefixes or low-rank updates.
    Raises RuntimeError if low-rank updates do not fit; others are not checked.
    """
    if any(name.startswith(LOW_RANK) for name in weights):
        return merged(state, weights)
    if any(name.startswith(ADAPTORS) or PREFIX in name for name in weights):
        return {**state, **weights}
    return dict(weights)
