"""FOCAL: distance metric and behaviour regularisation (Li et al. 2021, arXiv 2010.01112).

An encoder maps a context of transitions to a code of its task. It learns from distances
between codes alone. Policy and values are those of soft actor-critic with a network of
state values; they read the code and do not train the encoder. A cost of the policy's
divergence from the data keeps it near. The order of an update is that of the authors' code,
which has no licence and was not copied.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from trajprompt.numerics.networks import StackedMLP
from trajprompt.numerics.tanh_gaussian import squash
from trajprompt.offline.meta.context import MetaBatch, TaskTable, draw
from trajprompt.offline.meta.distance import distance_loss
from trajprompt.offline.meta.encoder import mean_code
from trajprompt.offline.meta.options import FocalOptions
from trajprompt.offline.meta.regulariser import Regulariser
from trajprompt.offline.networks import optimiser, target_of, twin_critic
from trajprompt.offline.noise import Noise
from trajprompt.offline.protocol import Sizes
from trajprompt.trajectories.transitions import Batch

LOG_STD_RANGE = (-20.0, 0.0)  # of the policy; rlkit/torch/sac/policies.py


class Focal:
    """T learners (`offline.training.Learning`) that share nothing but the table.

    Of the R = M * B transitions of an update, those of a task have the same code. A seed's
    bits do not depend on its stack if R and M * n are multiples of `networks.LANES`: the
    rest of a vectorised loop rounds softplus in another way.
    """

    code_outputs = 1  # of the encoder, per dimension of a code

    def __init__(
        self,
        sizes: Sizes,
        options: FocalOptions,
        table: TaskTable,
        weights: Sequence[torch.Generator],  # one per member, on the CPU
        noise: Noise,
        device: str,
    ):
        self.options, self.table, self.noise = options, table, noise
        self.done = 0  # updates
        seen = Sizes(sizes.stack, sizes.states + options.code, sizes.actions, sizes.updates)

        def network(inputs: int, hidden: tuple[int, ...], outputs: int) -> StackedMLP:
            return StackedMLP(sizes.stack, (inputs, *hidden, outputs), weights).to(device)

        context = sizes.states * (1 + options.next_states) + sizes.actions + 1
        code_layers = (options.encoder_width,) * options.encoder_layers
        self.encoder = network(context, code_layers, self.code_outputs * options.code)
        self.actor = network(seen.states, options.hidden, 2 * sizes.actions)
        self.critic = twin_critic(seen, options, weights, device)
        self.value = network(seen.states, options.hidden, 1)
        self.target_value, average = target_of(self.value)
        self.averages = {"value": average}
        rate = options.learning_rate
        rates: dict[str, tuple[nn.Module, float]] = {
            "encoder": (self.encoder, options.encoder_rate),
            "actor": (self.actor, rate),
            "critic": (self.critic, rate),
            "value": (self.value, rate),
        }
        self.regulariser: Regulariser | None = None
        if options.regularise:
            made = network(seen.states + sizes.actions, options.hidden, 1)
            self.regulariser = Regulariser(made, options, device)
            rates["discriminator"] = (made, options.discriminator_rate)
        self.optimisers = {name: optimiser(*pair) for name, pair in rates.items()}

    def codes(self, context: Tensor) -> Tensor:
        """Codes (T, M, Z) of contexts (T, M, n, C), to act with."""
        return mean_code(self.encoder, context)

    def act(self, states: Tensor, codes: Tensor) -> Tensor:
        """Actions (T, B, A), without noise, of states (T, B, S) and codes (T, B, Z)."""
        return self._gaussian(torch.cat([states, codes], -1))[0].tanh()

    def update(self, tasks: Tensor) -> dict[str, Tensor]:
        """Do one update with transitions of ``tasks`` (T, M); return each loss (T,)."""
        options = self.options
        sizes = options.context, options.batch
        batch = draw(self.table, tasks, self.noise, *sizes, options.next_states)
        losses = self.learn(batch)
        self.done += 1
        return {name: loss.detach() for name, loss in losses.items()}

    def learn(self, batch: MetaBatch) -> dict[str, Tensor]:
        """Update encoder, discriminator, Q, V and its target, policy, and alpha."""
        data = batch.transitions
        codes, losses = self._update_encoder(batch)
        features = torch.cat([data.states, codes.detach()], -1)
        if self.regulariser:
            losses |= self._update_discriminator(self.regulariser, features, data.actions)
        mean, log_std = self._gaussian(features)
        actions, log_probs = squash(mean, log_std, self.noise.normal(*mean.shape[1:]))
        cost = torch.zeros_like(log_probs)
        if self.regulariser:
            divergence = self.regulariser.divergence(features, actions, data.actions)
            cost = self.regulariser.alpha[:, None] * divergence
            self.regulariser.adapt(divergence.detach())  # alpha of the next update
        of_critic, of_value = self._costs_of_targets(cost.detach())
        losses |= self._update_critic(data, codes, of_critic, losses)
        soft = self.critic(features, actions, frozen=True).amin(0) - log_probs
        losses |= self._update_value(features, soft.detach() - of_value)
        size = (mean.square() + log_std.square()).mean((1, 2))
        losses["actor"] = (cost - soft).mean(-1) + self.options.action_penalty * size
        self.optimisers["actor"].minimise(losses["actor"].sum())
        return losses

    def _update_encoder(self, batch: MetaBatch) -> tuple[Tensor, dict[str, Tensor]]:
        """The code of each transition (T, R, Z), and the encoder's loss."""
        codes = mean_code(self.encoder, batch.context)
        losses = self.options.distance_weight * distance_loss(codes, batch.tasks)
        self.optimisers["encoder"].minimise(losses.sum())
        return per_transition(codes.detach(), batch), {"encoder": losses}

    def _update_discriminator(
        self, regulariser: Regulariser, features: Tensor, logged: Tensor
    ) -> dict[str, Tensor]:
        """Take all steps with the same transitions, but other actions of the policy."""
        found = {}
        for _ in range(self.options.discriminator_steps):
            with torch.no_grad():
                mean, log_std = self._gaussian(features)
                noise = self.noise.normal(*mean.shape[1:])
                ours, _ = squash(mean, log_std, noise)
            places = (self.noise.uniform(ours.shape[1]) + 1) / 2
            found["discriminator"] = regulariser.loss(features, ours, logged, places)
            self.optimisers["discriminator"].minimise(found["discriminator"].sum())
        return found

    def _costs_of_targets(self, cost: Tensor) -> tuple[Tensor, Tensor]:
        """The costs (T, R) that targets of Q lose, and those that targets of V lose.

        V of a state loses the cost there, so that a target of Q loses that of the next
        state, as in BRAC. In the authors' code, it loses the cost of its first state.
        """
        none = torch.zeros_like(cost)
        if not self.options.value_penalty:
            return none, none
        return (cost, none) if self.options.literal else (none, cost)

    def _update_critic(
        self, data: Batch, codes: Tensor, cost: Tensor, losses: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """Update Q with the ``codes`` (T, R, Z); the other losses stay as they are."""
        found = self._critic_loss(data, codes, cost)
        self.optimisers["critic"].minimise(found.sum())
        return {"critic": found}

    def _critic_loss(self, data: Batch, codes: Tensor, cost: Tensor) -> Tensor:
        """Loss (T,) of both Q; its targets lose ``cost`` (T, R) of the next values."""
        ended = 1 - data.followed if self.options.literal else data.terminations
        with torch.no_grad():
            following = torch.cat([data.next_states, codes], -1)
            values = self.target_value(following)[..., 0] - cost
            rewards = self.options.reward_scale * data.rewards
            targets = rewards + self.options.discount * (1 - ended) * values
        found = self.critic(torch.cat([data.states, codes], -1), data.actions)
        return (found - targets).square().mean(-1).sum(0)

    def _update_value(self, features: Tensor, targets: Tensor) -> dict[str, Tensor]:
        losses = (self.value(features)[..., 0] - targets).square().mean(-1)
        self.optimisers["value"].minimise(losses.sum())
        self.averages["value"].lerp_(
            self.optimisers["value"].vector, self.options.target_rate
        )
        return {"value": losses}

    def _gaussian(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Means and log standard deviations (T, R, A) before the tanh."""
        mean, log_std = self.actor(features).chunk(2, dim=-1)
        return mean, log_std.clamp(*LOG_STD_RANGE)

    def _vectors(self) -> dict[str, Tensor]:
        """What learning changes without an optimiser."""
        alpha = {"alpha": self.regulariser.alpha} if self.regulariser else {}
        return self.averages | alpha

    def state(self) -> dict[str, Any]:
        """State for `checkpoint.Resumable`."""
        return {
            "done": self.done,
            "noise": self.noise.state(),
            "optimisers": {name: one.state() for name, one in self.optimisers.items()},
            "vectors": self._vectors(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self.done = int(state["done"])
        self.noise.restore(state["noise"])
        for name, one in self.optimisers.items():
            one.restore(state["optimisers"][name])
        for name, vector in self._vectors().items():
            vector.copy_(torch.as_tensor(state["vectors"][name]))


def per_transition(codes: Tensor, batch: MetaBatch) -> Tensor:
    """The code of its task, of (T, M, Z), for each transition, (T, R, Z)."""
    count = batch.transitions.rewards.shape[1] // codes.shape[1]
    return codes[:, :, None].expand(-1, -1, count, -1).flatten(1, 2)
