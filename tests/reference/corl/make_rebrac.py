"""Make rebrac.json: losses and weights of CORL's ReBRAC, which is written in JAX.

    git clone https://github.com/tinkoff-ai/CORL && git -C CORL checkout 6afec90
    pip install jax==0.10.2 flax==0.12.8 optax==0.2.8 chex tqdm    # in another environment
    PYTHONPATH=tests python tests/reference/corl/make_rebrac.py CORL

CORL's update functions are run, not copied. Three parts are ours (docs/deviations.md): the
critic, the update of the policy at the second of two updates, and the step of its target
after that update. Numbers are float64: JAX's float32 losses differ from them by 1e-5, ours
by 1e-6.
"""

import importlib.util
import json
import sys
from pathlib import Path
from unittest import mock

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax

from support import corl_problem as problem

jax.config.update("jax_enable_x64", True)
DISCOUNT, POLYAK, NOISE, CLIP = 0.99, 0.005, 0.2, 0.5
METRICS = ("critic_loss", "q_min", "actor_loss", "bc_mse_policy", "bc_mse_random")
METRICS += ("action_mse",)
HIDDEN = problem.HIDDEN["rebrac"]


def load(checkout):
    stubs = {name: mock.MagicMock() for name in ("d4rl", "gym", "pyrallis", "wandb")}
    path = checkout / "algorithms/offline/rebrac.py"
    spec = importlib.util.spec_from_file_location("corl_rebrac", path)
    module = importlib.util.module_from_spec(spec)
    with mock.patch.dict(sys.modules, {**stubs, spec.name: module}):
        spec.loader.exec_module(module)
    return module


class Critic(nn.Module):
    """A critic with layer norm before each ReLU, without gain and bias."""

    hidden_dim: int
    layernorm: bool
    n_hiddens: int

    @nn.compact
    def __call__(self, state, action):
        x = jnp.hstack([state, action])
        options = {"use_scale": False, "use_bias": False, "use_fast_variance": False}
        layer_norm = nn.LayerNorm(epsilon=1e-5, **options)
        for _ in range(self.n_hiddens):
            x = nn.Dense(self.hidden_dim)(x)
            x = layer_norm(x)
            x = nn.relu(x)
        return nn.Dense(1)(x).squeeze(-1)


def dense(*networks):
    """Parameters in Flax's form, stacked if there are several networks."""
    found = {}
    members = [problem.layers("rebrac", network) for network in networks]
    for number, layers in enumerate(zip(*members, strict=True)):
        parts = zip(*layers, strict=True)
        kernels, biases = (np.stack(part).astype(np.float64) for part in parts)
        several = len(networks) > 1
        found[f"Dense_{number}"] = {
            "kernel": jnp.asarray(kernels if several else kernels[0]),
            "bias": jnp.asarray(biases if several else biases[0]),
        }
    return found


def states(corl):
    """CORL's training states of the policy and of the critics."""
    corl.Critic = Critic
    actor = corl.DetActor(problem.ACTIONS, problem.WIDTH, False, HIDDEN)
    critic = corl.EnsembleCritic(problem.WIDTH, 2, True, HIDDEN)
    first = {"params": dense("actor")}
    both = {"params": {"VmapCritic_0": dense("critic1", "critic2")}}
    return [
        kind.create(
            apply_fn=network.apply,
            params=parameters,
            target_params=parameters,
            tx=optax.adam(problem.RATE),
        )
        for kind, network, parameters in (
            (corl.ActorTrainState, actor, first),
            (corl.CriticTrainState, critic, both),
        )
    ]


def batch(number):
    names = ("states", "actions", "rewards", "next_states", "dones")
    found = dict(zip(names, problem.batch(number), strict=True))
    found["next_actions"] = problem.next_actions(number)
    return {name: values.astype(np.float64) for name, values in found.items()}


def results(corl):
    actor, critic = states(corl)
    losses = {"critic": [], "actor": []}
    key = jax.random.PRNGKey(0)  # its numbers are used for logs only
    for number in range(problem.UPDATES):
        data, drawn = batch(number), problem.noise(number)["following"]
        empty = corl.Metrics.create(METRICS)
        with mock.patch.object(jax.random, "normal", lambda key, shape, drawn=drawn: drawn):
            of_critic = (DISCOUNT, problem.CRITIC_PENALTY, POLYAK, NOISE, CLIP, empty)
            _, critic, log = corl.update_critic(key, actor, critic, data, *of_critic)
        losses["critic"].append(log.accumulators["critic_loss"][0].item())
        if number % 2 == 1:
            before, of_actor = actor, (problem.ACTOR_PENALTY, POLYAK, True, empty)
            _, actor, critic, log = corl.update_actor(key, actor, critic, data, *of_actor)
            moved = optax.incremental_update(actor.params, before.target_params, POLYAK)
            actor = actor.replace(target_params=moved)
            losses["actor"].append(log.accumulators["actor_loss"][0].item())
    both = critic.params["params"]["VmapCritic_0"]
    networks = {
        "actor": checksums(actor.params["params"]),
        "critic1": checksums(both, 0),
        "critic2": checksums(both, 1),
        "target actor": checksums(actor.target_params["params"]),
        "target critic2": checksums(critic.target_params["params"]["VmapCritic_0"], 1),
    }
    return {"losses": losses, "weights": networks}


def checksums(parameters, member=...):
    """Checksums of the weights and biases of each layer."""
    return [
        problem.checksum(layer["kernel"][member]) + problem.checksum(layer["bias"][member])
        for _, layer in sorted(parameters.items())
    ]


def main():
    found = {"rebrac": results(load(Path(sys.argv[1])))}
    (Path(__file__).parent / "rebrac.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
