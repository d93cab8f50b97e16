"""States of the data with planned actions, from which the prompt adaptor learns."""

from typing import NamedTuple

from torch import Tensor


class Relabelled(NamedTuple):
    """States of the data, each in its window, with the action to learn."""

    prompts: Tensor  # (M, Z) the encoder's
    states: Tensor  # (M, K, S) normalised; those after `places` are not read
    window_actions: Tensor  # (M, K, A) logged
    rewards: Tensor  # (M, K) scaled
    places: Tensor  # (M,) int64 place of the state in its window
    actions: Tensor  # (M, A) of the best plan; the logged one if no plan is better
    logged_actions: Tensor  # (M, A)
    # (M,) score of the best plan less that of the logged action's; scaled. It is positive
    # with the logged action, too, if only a later action of the best plan differs.
    gains: Tensor
