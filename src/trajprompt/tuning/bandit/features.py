"""Features of an arm for the bandit's models: its values, or the backbone's encoding of it.

``normalised=False`` is the variant of the co-author's code: states in the simulator's
units, on which the backbone was not trained, and features that are not standardised.
Undoing only the normaliser would not change raw features, because standardisation removes
the scale.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from trajprompt.models.prompt_dt import additive_mask
from trajprompt.tuning.prompt_vectors import to_vectors

if TYPE_CHECKING:
    from trajprompt.models.backbone import Backbone
    from trajprompt.trajectories.segments import Segments

SMALLEST = 1e-6  # added to deviations, so that a constant feature becomes 0
BATCH = 256  # arms per pass of the backbone; bounds memory


class ArmFeatures(NamedTuple):
    """Features of the arms of all rows, on the CPU; shorter rows are padded with zeros."""

    values: Tensor  # (R, A, D) float32
    counts: Tensor  # (R,) int64, number of arms of each row

    @property
    def real(self) -> Tensor:
        """Mask (R, A) bool, False on the padding."""
        return torch.arange(self.values.shape[1]) < self.counts[:, None]


def raw_features(arms: "Segments", backbone: "Backbone") -> Tensor:
    """Flatten arms (A, H, ..) to (A, H * (1 + S + A)).

    Every step has its return-to-go, state and action.
    """
    return to_vectors(arms)


@torch.no_grad()
def backbone_features(arms: "Segments", backbone: "Backbone") -> Tensor:
    """Encode arms (A, H, ..) as Psi (A, W): the last action token after the last layer.

    The co-author's code repeats the arm J times before an empty context and reads the token
    of step H - 1 of the prompt. Tokens do not attend to later tokens, so the other copies
    and the context have no effect. Only the arm itself is run (tested).
    """
    parts = [arms.select(slice(i, i + BATCH)) for i in range(0, len(arms.mask), BATCH)]
    return torch.cat([_last_action_token(part, backbone) for part in parts])


FEATURES: dict[str, Callable[["Segments", "Backbone"], Tensor]] = {
    "raw": raw_features,
    "backbone": backbone_features,
}


def arm_features(
    arms: Sequence["Segments"], backbone: "Backbone", kind: str, normalised: bool
) -> ArmFeatures:
    """Return features of each row's arms (A_r, H, ..); ``kind`` is a key of FEATURES."""
    features = []
    for row_arms in arms:
        inputs = row_arms if normalised else in_simulator_units(row_arms, backbone)
        values = FEATURES[kind](inputs, backbone).float().cpu()
        features.append(standardised(values) if normalised else values)
    counts = torch.tensor([len(values) for values in features])
    return ArmFeatures(pad_sequence(features, batch_first=True), counts)


def in_simulator_units(arms: "Segments", backbone: "Backbone") -> "Segments":
    """Return the arms with the normalisation of their states undone."""
    normaliser = backbone.normaliser
    return arms._replace(states=arms.states * normaliser.std + normaliser.mean)


def standardised(values: Tensor) -> Tensor:
    """Scale features (A, D) to mean 0 and standard deviation 1 over the arms; our choice.

    A constant feature becomes 0.
    """
    exact = values.double()
    centred = exact - exact.mean(dim=0)
    return (centred / (centred.square().mean(dim=0).sqrt() + SMALLEST)).float()


def _last_action_token(arms: "Segments", backbone: "Backbone") -> Tensor:
    """Return the last action token (B, W) of arms (B, H, ..) after the final layer norm."""
    model = backbone.model
    x = model.embed_prompt(arms)  # (B, 3H, W)
    mask = additive_mask(arms.mask.repeat_interleave(3, dim=1), x.dtype)
    *lower, (last_block, last_adaptor) = model.layers()
    for block, adaptor in lower:
        x = adaptor(block(x, mask, slice(None)))
    last = slice(x.shape[1] - 1, None)
    x = last_adaptor(last_block(x, mask[:, last], last))
    return model.norm_final(x).squeeze(1)
