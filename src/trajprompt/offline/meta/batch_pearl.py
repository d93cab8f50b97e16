"""Batch PEARL: PEARL (Rakelly et al. 2019, arXiv 1903.08254) on offline data.

The baseline of FOCAL's paper: its learner without divergence, whose encoder gives a
Gaussian of codes. The encoder learns from the loss of Q and is kept near a prior, as in
PEARL. In FOCAL's code the gradient of Q is zeroed before the encoder's optimiser steps.
"""

from dataclasses import dataclass

from torch import Tensor

from trajprompt.offline.meta.context import MetaBatch
from trajprompt.offline.meta.encoder import divergence_from_prior, posterior
from trajprompt.offline.meta.focal import Focal, per_transition
from trajprompt.offline.meta.options import FocalOptions
from trajprompt.settings.options import NonNegative, Positive
from trajprompt.trajectories.transitions import Batch


@dataclass(frozen=True)
class BatchPearlOptions(FocalOptions):
    regularise: bool = False  # as in the baseline of FOCAL-ICLR
    bottleneck: NonNegative = 0.1  # weight of the KL; configs/default.py, PEARL's code
    prior_std: Positive = 1.0  # PEARL; FOCAL's rlkit/torch/sac/agent.py has 0.05


class BatchPearl(Focal):
    options: BatchPearlOptions
    code_outputs = 2  # mean and variance

    def codes(self, context: Tensor) -> Tensor:
        """Means (T, M, Z) of the Gaussians of codes of contexts (T, M, n, C)."""
        return posterior(self.encoder, context)[0]

    def _update_encoder(self, batch: MetaBatch) -> tuple[Tensor, dict[str, Tensor]]:
        """Draw codes; the encoder learns in the update of Q. KLs are summed over tasks."""
        mean, variance = posterior(self.encoder, batch.context)
        codes = mean + variance.sqrt() * self.noise.normal(*mean.shape[1:])
        found = divergence_from_prior(mean, variance, self.options.prior_std)
        losses = self.options.bottleneck * found.sum(-1)
        return per_transition(codes, batch), {"encoder": losses}

    def _update_critic(
        self, data: Batch, codes: Tensor, cost: Tensor, losses: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """Update Q and the encoder by the sum of their losses."""
        found = self._critic_loss(data, codes, cost)
        encoder = self.optimisers["encoder"]
        assert encoder.vector.grad is not None
        encoder.vector.grad.zero_()
        self.optimisers["critic"].minimise((found + losses["encoder"]).sum())
        encoder.step()
        return {"critic": found}
