"""What a bandit's models see of an arm: its numbers, or what the backbone makes of them.

``normalised=False`` is the variant of the co-author's code: states in the simulator's
units, which the backbone was not trained on, and features that are not standardised. To
undo the normaliser alone would change nothing of raw features, whatever their scale.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from trajprompt.models.prompt_dt import additive_mask
from trajprompt.trajectories.normaliser import STD_FLOOR
from trajprompt.tuning.prompt_vectors import to_vectors

if TYPE_CHECKING:
    from trajprompt.models.backbone import Backbone
    from trajprompt.trajectories.segments import Segments

BATCH = 256  # arms that the backbone reads at once; bounds memory


class ArmFeatures(NamedTuple):
    """Of all rows, on the CPU; rows with fewer arms end in zeros."""

    values: Tensor  # (R, A, D) float32
    counts: Tensor  # (R,) int64, arms of each row

    @property
    def real(self) -> Tensor:
        """(R, A) bool, False on the padding."""
        return torch.arange(self.values.shape[1]) < self.counts[:, None]


def raw_features(arms: "Segments", backbone: "Backbone") -> Tensor:
    """(A, H, ..) to (A, H * (1 + S + A)): return-to-go, state and action of every step."""
    return to_vectors(arms)


@torch.no_grad()
def backbone_features(arms: "Segments", backbone: "Backbone") -> Tensor:
    """Psi, (A, H, ..) to (A, W): the last action token of an arm, after the last layer.

    The co-author's code repeats the arm J times before an empty context and reads the token
    of step H - 1 of the prompt. Tokens see nothing that comes after them, so that neither
    the other copies nor the context matter, and the arm alone is run (tested).
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
    """Features of ``kind``, a key of FEATURES, of each row's arms (A_r, H, ..)."""
    made = []
    for own in arms:
        seen = own if normalised else in_simulator_units(own, backbone)
        values = FEATURES[kind](seen, backbone).float().cpu()
        made.append(standardised(values) if normalised else values)
    counts = torch.tensor([len(values) for values in made])
    return ArmFeatures(pad_sequence(made, batch_first=True), counts)


def in_simulator_units(arms: "Segments", backbone: "Backbone") -> "Segments":
    """The same arms with the normaliser undone."""
    normaliser = backbone.normaliser
    return arms._replace(states=arms.states * normaliser.std + normaliser.mean)


def standardised(values: Tensor) -> Tensor:
    """(A, D) with mean 0 and deviation 1 of each feature over the arms; ours.

    A feature that never changes becomes 0.
    """
    exact = values.double()
    centred = exact - exact.mean(dim=0)
    return (centred / (centred.square().mean(dim=0).sqrt() + STD_FLOOR)).float()


def _last_action_token(arms: "Segments", backbone: "Backbone") -> Tensor:
    """(B, H, ..) to (B, W), final layer norm included."""
    model = backbone.model
    x = model.embed_prompt(arms)  # (B, 3H, W)
    mask = additive_mask(arms.mask.repeat_interleave(3, dim=1), x.dtype)
    *lower, (last_block, last_adaptor) = model.layers()
    for block, adaptor in lower:
        x = adaptor(block(x, mask, slice(None)))
    last = slice(x.shape[1] - 1, None)
    x = last_adaptor(last_block(x, mask[:, last], last))
    return model.norm_final(x).squeeze(1)
