"""Representation stage on a store: the models of all seeds (section 4.1)."""

from collections.abc import Sequence
from pathlib import Path

import torch

from trajprompt.artifacts.checkpoint import Checkpoint
from trajprompt.models.backbone import Backbone
from trajprompt.models.cmt.config import CmtConfig
from trajprompt.models.cmt.model import Cmt
from trajprompt.models.cmt.player import CmtPlayer
from trajprompt.numerics.device import keep_freed_memory
from trajprompt.offline.cmt.learning import CmtLearner
from trajprompt.offline.cmt.options import CmtOptions
from trajprompt.offline.cmt.windows import WindowTable
from trajprompt.offline.noise import Noise
from trajprompt.offline.pretraining import Curve, learned_data, mean_return, random_stream
from trajprompt.offline.training import OfflineTraining
from trajprompt.seeds import integers, torch_generator
from trajprompt.settings.options import parse_options
from trajprompt.settings.stages import OfflineSettings
from trajprompt.tasks.registry import get_suite
from trajprompt.trajectories.normaliser import Normaliser


def pretrain_cmt(
    settings: Sequence[OfflineSettings],
    data: Path,
    device: torch.device,
    checkpoint: Checkpoint,
) -> list[tuple[Backbone, Curve]]:
    """Learn a model per seed on the store ``data``; return each with its curve.

    ``settings`` differ in their seeds only. A seed's model does not depend on the others.
    """
    torch.set_num_threads(1)
    keep_freed_memory()
    first, place = settings[0], str(device)
    where = f"algorithms.{first.backbone}.options"
    options = parse_options(CmtOptions, first.options, where)
    episodes, mean, std = learned_data(first, data, options.data_share)
    table = WindowTable.of(
        episodes,
        mean,
        std,
        options.discount,
        options.history,
        options.context_length,
        device,
    )
    models = [fresh_model(one, options, table).to(device) for one in settings]
    noise = [torch_generator(random_stream(one, "noise"), place) for one in settings]
    training = OfflineTraining(
        CmtLearner(models, options, table, Noise(noise), first.updates),
        table,
        [torch_generator(random_stream(one, "batches"), place) for one in settings],
        options.batch,
        [f"{one.suite} {one.backbone} seed {one.seed}" for one in settings],
    )
    normaliser = Normaliser(torch.from_numpy(mean).float(), torch.from_numpy(std).float())
    normaliser = normaliser.to(device)

    def returns() -> list[float]:
        return [
            mean_return(
                one,
                CmtPlayer(model, normaliser.mean, normaliser.std, one.curve_episodes),
            )
            for one, model in zip(settings, models, strict=True)
        ]

    curves = training.run(
        first.updates,
        first.curve_every,
        checkpoint,
        f"pretrain {first.suite} {first.backbone}",
        returns if first.curve_episodes else None,
    )
    return [
        (
            Backbone(
                one.backbone,
                one.suite,
                model.eval(),
                normaliser,
                1.0,
                model.config,
                one.kind,
            ),
            curve,
        )
        for one, model, curve in zip(settings, models, curves, strict=True)
    ]


def fresh_model(settings: OfflineSettings, options: CmtOptions, table: WindowTable) -> Cmt:
    """A model with random weights of the seed and the scales of the data."""
    torch.manual_seed(int(integers(random_stream(settings, "weights"), 1)[0]))
    suite = get_suite(settings.suite)
    model = Cmt(
        CmtConfig(
            suite.state_dim,
            suite.action_dim,
            options.width,
            options.encoder_layers,
            options.generator_layers,
            options.prompt_dim,
            options.history,
            options.context_length,
            options.discount,
        )
    )
    model.reward_scale.fill_(table.reward_scale)
    model.change_scale.copy_(table.change_scale)
    return model
