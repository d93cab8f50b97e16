"""Make results.json: losses and weights of CORL's algorithms after each update.

    git clone https://github.com/tinkoff-ai/CORL && git -C CORL checkout 6afec90
    PYTHONPATH=tests python tests/reference/corl/make.py CORL

CORL's code is run, not copied. Its imports for environments and logs are replaced. CQL's
policy has two scalars for its standard deviation that CORL learns; here they stay at their
initial values, as in ours.
"""

import contextlib
import importlib.util
import json
import sys
from collections import deque
from pathlib import Path
from unittest import mock

import torch
from torch import nn

from support import corl_problem as problem

HERE = Path(__file__).parent
QUEUE: deque = deque()  # random numbers in the order in which CORL draws them
CPU = {"device": "cpu"}


def load(checkout, file):
    stubs = {name: mock.MagicMock() for name in ("d4rl", "gym", "pyrallis", "wandb")}
    path = checkout / "algorithms/offline" / f"{file}.py"
    spec = importlib.util.spec_from_file_location(f"corl_{file}", path)
    module = importlib.util.module_from_spec(spec)
    with mock.patch.dict(sys.modules, {**stubs, spec.name: module}):
        spec.loader.exec_module(module)
    return module


def linears(module):
    return [layer for layer in module.modules() if isinstance(layer, nn.Linear)]


def filled(module, name, network):
    """Give ``module`` the weights of ``network``."""
    for layer, (weight, bias) in zip(
        linears(module), problem.layers(name, network), strict=True
    ):
        layer.weight.data, layer.bias.data = (
            torch.tensor(weight.T.copy()),
            torch.tensor(bias),
        )
    return module


def adam(module, rate=problem.RATE):
    return torch.optim.Adam(module.parameters(), rate)


def bc(corl):
    actor = filled(corl.Actor(*SIZES, 1.0), "bc", "actor")
    return corl.BC(1.0, actor, adam(actor), **CPU), {"actor": actor}


def td3_bc(corl):
    name = "td3-bc"
    actor = filled(corl.Actor(*SIZES, 1.0), name, "actor")
    critics = [filled(corl.Critic(*SIZES), name, f"critic{n}") for n in (1, 2)]
    pairs = [part for one in critics for part in (one, adam(one))]
    trainer = corl.TD3_BC(1.0, actor, adam(actor), *pairs, **CPU)
    targets = {
        "target actor": trainer.actor_target,
        "target critic2": trainer.critic_2_target,
    }
    return trainer, {"actor": actor, "critic1": critics[0], "critic2": critics[1]} | targets


def iql(corl, name="iql"):
    policy = corl.GaussianPolicy if name == "iql" else corl.DeterministicPolicy
    actor = policy(*SIZES, 1.0)
    filled(actor.net, name, "actor")
    critic, value = corl.TwinQ(*SIZES), corl.ValueFunction(problem.STATES)
    filled(critic.q1, name, "critic1")
    filled(critic.q2, name, "critic2")
    filled(value, name, "value")
    parts = [part for one in (actor, critic, value) for part in (one, adam(one))]
    trainer = corl.ImplicitQLearning(1.0, *parts, max_steps=problem.UPDATES + 2, **CPU)
    networks = {"actor": actor.net, "critic1": critic.q1, "critic2": critic.q2}
    networks |= {"value": value, "target critic2": trainer.q_target.q2}
    return trainer, networks


def cql(corl):
    actor = corl.TanhGaussianPolicy(*SIZES, 1.0)
    filled(actor.base_network, "cql", "actor")
    critics = [
        filled(corl.FullyConnectedQFunction(*SIZES), "cql", f"critic{n}") for n in (1, 2)
    ]
    trainer = corl.ContinuousCQL(
        *(part for one in critics for part in (one, adam(one))),
        actor,
        adam(actor.base_network, problem.POLICY_RATE),
        target_entropy=-float(problem.ACTIONS),
        policy_lr=problem.POLICY_RATE,
        bc_steps=0,
        cql_alpha=10.0,
        cql_n_actions=problem.SAMPLES,
        **CPU,
    )
    networks = {"actor": actor.base_network, "critic1": critics[0], "critic2": critics[1]}
    return trainer, networks | {"target critic2": trainer.target_critic_2}


SIZES = problem.STATES, problem.ACTIONS
MAKERS = {  # CORL's file, its trainer, and the uses of random numbers in its order
    "bc": ("any_percent_bc", bc, ()),
    "td3-bc": ("td3_bc", td3_bc, ("following",)),
    "iql": ("iql", iql, ()),
    "iql-deterministic": ("iql", lambda corl: iql(corl, "iql-deterministic"), ()),
    "cql": ("cql", cql, ("policy", "following", "uniform", "current", "next")),
}
IQL_LOSSES = {"value": "value_loss", "critic": "q_loss", "actor": "actor_loss"}
LOSSES = {  # our names of losses, and the entries of CORL's log that add up to them
    "bc": {"actor": ["actor_loss"]},
    "td3-bc": {"critic": ["critic_loss"], "actor": ["actor_loss"]},
    "iql": {name: [loss] for name, loss in IQL_LOSSES.items()},
    "iql-deterministic": {name: [loss] for name, loss in IQL_LOSSES.items()},
    "cql": {
        "actor": ["policy_loss"],
        "critic": ["qf1_loss", "qf2_loss"],
        "penalty": ["cql_qf1_diff", "cql_qf2_diff"],
    },
}


def results(name, checkout):
    file, make, uses = MAKERS[name]
    trainer, networks = make(load(checkout, file))
    losses = {}
    with given_random_numbers():
        for number in range(problem.UPDATES):
            QUEUE.extend(torch.tensor(problem.noise(number)[use]) for use in uses)
            log = trainer.train(corl_batch(number))
            assert not QUEUE
            for loss, parts in LOSSES[name].items():
                if parts[0] in log:  # a delayed update of the policy is not in each log
                    losses.setdefault(loss, []).append(sum(log[part] for part in parts))
    weights = {
        network: [
            problem.checksum(layer.weight.detach()) + problem.checksum(layer.bias.detach())
            for layer in linears(module)
        ]
        for network, module in networks.items()
    }
    return {"losses": losses, "weights": weights}


def corl_batch(number):
    states, actions, rewards, following, ended = map(torch.tensor, problem.batch(number))
    return [states, actions, rewards[:, None], following, ended[:, None]]


@contextlib.contextmanager
def given_random_numbers():
    """Let torch take its random numbers from the queue."""

    def rsample(normal, shape=()):
        return normal.mean + normal.stddev * QUEUE.popleft()

    with (
        mock.patch.object(torch, "randn_like", lambda like: QUEUE.popleft()),
        mock.patch.object(
            torch.Tensor, "uniform_", lambda like, low, high: like.copy_(QUEUE.popleft())
        ),
        mock.patch.object(torch.distributions.Normal, "rsample", rsample),
    ):
        yield


def main():
    found = {name: results(name, Path(sys.argv[1])) for name in problem.NAMES}
    (HERE / "results.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
