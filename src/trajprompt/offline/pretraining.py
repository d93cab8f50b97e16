"""Pretraining by an offline algorithm: from a store to the policies of all seeds.

All seeds learn as one stack. States are normalised as in CORL, by the mean and standard
deviation of the episodes that are learned from. The rest follows no other code.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from trajprompt.artifacts.checkpoint import Checkpoint
from trajprompt.models.backbone import Backbone
from trajprompt.models.state_policy import StatePolicy, StatePolicyConfig, StatePolicyPlayer
from trajprompt.numerics.device import keep_freed_memory
from trajprompt.numerics.networks import StackedMLP
from trajprompt.offline.noise import Noise
from trajprompt.offline.protocol import OfflineOptions, Sizes
from trajprompt.offline.registry import get_algorithm
from trajprompt.offline.training import OfflineTraining
from trajprompt.rollout.loop import Policy, rollout
from trajprompt.seeds import integers, stream, torch_generator
from trajprompt.settings.options import parse_options
from trajprompt.settings.stages import OfflineSettings
from trajprompt.tasks.registry import get_suite, make_simulator
from trajprompt.trajectories.episodes import TaskTrajectories
from trajprompt.trajectories.normaliser import STD_FLOOR, Normaliser
from trajprompt.trajectories.store import open_tasks
from trajprompt.trajectories.transitions import Transitions, best_episodes

Curve = list[dict[str, float]]


def pretrain_offline(
    settings: Sequence[OfflineSettings],
    data: Path,
    device: torch.device,
    checkpoint: Checkpoint,
) -> list[tuple[Backbone, Curve]]:
    """Learn a policy per seed on the store ``data``; return each with its curve.

    ``settings`` differ in their seeds only. A seed's policy does not depend on the others.
    """
    torch.set_num_threads(1)
    keep_freed_memory()
    first, place = settings[0], str(device)
    suite, algorithm = get_suite(first.suite), get_algorithm(first.kind)
    where = f"algorithms.{first.backbone}.options"
    options: OfflineOptions = parse_options(algorithm.options, first.options, where)
    episodes, mean, std = learned_data(first, data, options.data_share)
    table = Transitions.of(episodes, mean, std, device, options.reward_scale)
    learner = algorithm.learner(
        Sizes(len(settings), suite.state_dim, suite.action_dim, first.updates),
        options,
        [torch_generator(random_stream(one, "weights")) for one in settings],
        Noise([torch_generator(random_stream(one, "noise"), place) for one in settings]),
        place,
    )
    training = OfflineTraining(
        learner,
        table,
        [torch_generator(random_stream(one, "batches"), place) for one in settings],
        options.batch,
        [f"{one.suite} {one.backbone} seed {one.seed}" for one in settings],
    )
    normaliser = Normaliser(torch.from_numpy(mean).float(), torch.from_numpy(std).float())
    config = StatePolicyConfig(
        suite.state_dim, suite.action_dim, options.width, options.layers
    )

    def policies() -> list[StatePolicy]:
        return [policy(learner.actor, n, config) for n in range(len(settings))]

    def returns() -> list[float]:
        played = zip(settings, policies(), strict=True)
        statistics = normaliser.mean, normaliser.std
        return [
            mean_return(one, StatePolicyPlayer(model, *statistics)) for one, model in played
        ]

    curves = training.run(
        first.updates,
        first.curve_every,
        checkpoint,
        f"pretrain {first.suite} {first.backbone}",
        returns if first.curve_episodes else None,
    )
    return [
        (Backbone(one.backbone, one.suite, model, normaliser, 1.0, config, one.kind), curve)
        for one, model, curve in zip(settings, policies(), curves, strict=True)
    ]


def policy(actor: StackedMLP, member: int, config: StatePolicyConfig) -> StatePolicy:
    """Policy of one member of a stack: the first outputs of its actor."""
    model = StatePolicy(config)
    with torch.no_grad():
        for layer, (weight, bias) in zip(model.linear, actor.affine, strict=True):
            outputs = layer.out_features
            layer.weight.copy_(weight[member, :, :outputs].T)
            layer.bias.copy_(bias[member, 0, :outputs])
    return model.eval()


def learned_data(
    settings: OfflineSettings, data: Path, share: float
) -> tuple[TaskTrajectories, np.ndarray, np.ndarray]:
    """The episodes to learn from, and the mean and deviation (S,) of their states.

    ``share``: of the episodes, those with the highest returns.
    """
    (task,) = settings.train_tasks
    episodes = open_tasks(data, [task], get_suite(settings.suite))[task].read()
    if share < 1:
        episodes = best_episodes(episodes, share)
    mean = episodes.observations.mean(0, dtype=np.float64)
    std = episodes.observations.std(0, dtype=np.float64) + STD_FLOOR
    return episodes, mean, std


def mean_return(settings: OfflineSettings, player: Policy) -> float:
    """Mean return over the episodes of a curve's point, always from the same resets."""
    count = settings.curve_episodes
    simulator = make_simulator(get_suite(settings.suite), np.zeros(count, np.int64))
    resets = integers(random_stream(settings, "curve"), count)
    return float(rollout(simulator, player, resets).returns.mean())


def random_stream(settings: OfflineSettings, purpose: str) -> np.random.SeedSequence:
    """Random stream of a seed's learning."""
    names = settings.suite, settings.backbone, settings.seed
    return stream(settings.run_seed, "pretrain", *names, purpose)
