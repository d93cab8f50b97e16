"""Pretraining of a backbone on the training tasks of a suite."""

import dataclasses
from pathlib import Path

import numpy as np
import torch

from trajprompt.artifacts.checkpoint import Checkpoint
from trajprompt.models.backbone import Backbone
from trajprompt.models.pretraining_data import PretrainData, Sampler, Validation, prepare
from trajprompt.models.prompt_dt import BackboneConfig, PromptDT, backbone_inputs
from trajprompt.models.training import CurvePoint, train
from trajprompt.seeds import integers, stream, torch_generator
from trajprompt.settings.sizes import BackboneSizes
from trajprompt.settings.stages import PretrainSettings
from trajprompt.tasks.registry import get_suite
from trajprompt.tasks.suites import Suite
from trajprompt.trajectories.demonstrated_task import Stores, open_stores

VALIDATION_SEGMENTS = 512  # over all tasks; gives the loss to within a few per cent


def pretrain(
    settings: PretrainSettings,
    stores: Stores,
    device: torch.device,
    checkpoint: Checkpoint | None = None,
    folder: Path | None = None,
) -> tuple[Backbone, list[CurvePoint]]:
    """Train a backbone on a suite's trajectories; return it with its curve.

    Tables too large for memory are temporary files in ``folder``.
    """
    torch.set_num_threads(1)  # equal bits on any number of cores, and no slower
    resident = resident_data(settings, stores, device, folder)
    model = fresh_model(settings, device)
    sampler = training_sampler(settings, resident)
    curve = train(
        model,
        sampler,
        settings.training,
        f"pretrain {settings.suite} {settings.backbone} seed {settings.seed}",
        Validation(model, *validation_sampler(settings, resident)()),
        source=str(stores.data),
        generator=sampler.generator,
        checkpoint=checkpoint,
    )
    return pretrained(settings, model, resident), curve


def pretrained(
    settings: PretrainSettings, model: PromptDT, resident: PretrainData
) -> Backbone:
    """The backbone of a trained model."""
    return Backbone(
        settings.backbone,
        settings.suite,
        model,
        resident.normaliser.to(model.predict_action.weight.device),
        settings.return_scale,
        model.config,
        settings.kind,
    )


def resident_data(
    settings: PretrainSettings, stores: Stores, device: torch.device, folder: Path | None
) -> PretrainData:
    """The training tasks of ``stores`` on ``device``; equal for all seeds.

    Tables too large for memory are temporary files in ``folder``.
    """
    named = settings.train_tasks, settings.suite, settings.demonstrations_from
    tasks = open_stores(stores, *named)
    return prepare(
        [tasks[task] for task in settings.train_tasks],
        settings.data_fraction,
        settings.demonstrations,
        settings.data_trajectories,
        settings.return_scale,
        device,
        folder,
    )


def fresh_model(settings: PretrainSettings, device: torch.device) -> PromptDT:
    """A model with random weights and a separate random stream for dropout."""
    weight_seed, dropout_seed = initial_seeds(settings)
    torch.manual_seed(weight_seed)
    suite = get_suite(settings.suite)
    model = PromptDT(backbone_config(suite, settings.kind, settings.sizes)).to(device)
    model.dropout.reseed(dropout_seed)
    return model


def initial_seeds(settings: PretrainSettings) -> tuple[int, int]:
    """Seeds of the initial weights and of dropout."""
    weights, dropout = integers(_stream(settings, "weights"), 2)
    return int(weights), int(dropout)


def backbone_config(suite: Suite, kind: str, sizes: BackboneSizes) -> BackboneConfig:
    """Architecture of a backbone of this kind for the suite."""
    inputs = backbone_inputs(kind)
    return BackboneConfig(
        suite.state_dim,
        suite.action_dim,
        uses_prompt=inputs.prompt,
        uses_returns=inputs.returns,
        inner=4 * sizes.width,  # 512 at width 128, as in the reference
        **dataclasses.asdict(sizes),
    )


def _sampler(
    settings: PretrainSettings, resident: PretrainData, purpose: str, per_task: int
) -> Sampler:
    held_out = purpose == "validation"
    prompts = resident.demonstrations if backbone_inputs(settings.kind).prompt else None
    return Sampler(
        resident.validation if held_out else resident.contexts,
        prompts,
        torch_generator(_stream(settings, purpose), str(resident.contexts.device)),
        per_task,
        settings.sizes.context_length,
        settings.prompt,
    )


def training_sampler(settings: PretrainSettings, resident: PretrainData) -> Sampler:
    """Sampler of the training batches of a seed."""
    return _sampler(settings, resident, "batches", settings.batch_per_task)


def validation_sampler(settings: PretrainSettings, resident: PretrainData) -> Sampler:
    """Sampler of a seed's validation set, drawn once."""
    per_task = -(-VALIDATION_SEGMENTS // len(settings.train_tasks))
    return _sampler(settings, resident, "validation", per_task)


def _stream(settings: PretrainSettings, purpose: str) -> np.random.SeedSequence:
    names = settings.suite, settings.backbone, settings.seed
    return stream(settings.run_seed, "pretrain", *names, purpose)
