"""Pretraining of several seeds of a backbone as one stack."""

from collections.abc import Sequence
from pathlib import Path

import torch

from trajprompt.artifacts.checkpoint import Checkpoint
from trajprompt.models.backbone import Backbone
from trajprompt.models.pretraining import (
    fresh_model,
    initial_seeds,
    pretrained,
    resident_data,
    training_sampler,
    validation_sampler,
)
from trajprompt.models.pretraining_data import PretrainData
from trajprompt.models.stacked_training import Member, train_stack
from trajprompt.models.training import CurvePoint
from trajprompt.settings.stages import PretrainSettings
from trajprompt.trajectories.demonstrated_task import Stores


def pretrain_stack(
    settings: Sequence[PretrainSettings],
    stores: Stores,
    device: torch.device,
    checkpoint: Checkpoint | None = None,
    folder: Path | None = None,
) -> list[tuple[Backbone, list[CurvePoint]]]:
    """Train a backbone per seed on a suite's trajectories; return each with its curve.

    ``settings`` differ in their seeds only. A seed's backbone does not depend on the other
    seeds. It equals that of `pretrain` up to rounding and the random stream of dropout.
    Tables too large for memory are temporary files in ``folder``.
    """
    torch.set_num_threads(1)  # equal bits on any number of cores
    first = settings[0]
    resident = resident_data(first, stores, device, folder)
    members = [new_member(one, resident, device) for one in settings]
    seeds = " ".join(str(one.seed) for one in settings)
    curves = train_stack(
        members,
        first.batch_per_task * len(first.train_tasks),
        first.training,
        f"pretrain {first.suite} {first.backbone} seeds {seeds}",
        str(stores.data),
        checkpoint,
    )
    return [
        (pretrained(one, member.model, resident), curve)
        for one, member, curve in zip(settings, members, curves, strict=True)
    ]


def new_member(
    settings: PretrainSettings, resident: PretrainData, device: torch.device
) -> Member:
    """One seed of the stack, with fresh weights and its own batches."""
    sampler = training_sampler(settings, resident)
    return Member(
        fresh_model(settings, device),
        sampler,
        sampler.generator,
        initial_seeds(settings)[1],
        validation_sampler(settings, resident)(),
        f"pretrain {settings.suite} {settings.backbone} seed {settings.seed}",
    )
