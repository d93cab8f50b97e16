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
from trajprompt.settings.stages import BackboneSizes, PretrainSettings
from trajprompt.tasks.registry import get_suite
from trajprompt.tasks.suites import Suite
from trajprompt.trajectories.store import open_tasks

VALIDATION_SEGMENTS = 512  # over all tasks; gives the loss to within a few per cent


def pretrain(
    settings: PretrainSettings,
    data: Path,
    device: torch.device,
    checkpoint: Checkpoint | None = None,
    folder: Path | None = None,
) -> tuple[Backbone, list[CurvePoint]]:
    """Train a backbone on the trajectory store ``data``; return it with its curve.

    Tables too large for memory are temporary files in ``folder``.
    """
    torch.set_num_threads(1)  # equal bits on any number of cores, and no slower
    suite = get_suite(settings.suite)
    tasks = open_tasks(data, settings.train_tasks, suite)
    resident = prepare(
        [tasks[task] for task in settings.train_tasks],
        settings.data_fraction,
        settings.demonstrations,
        settings.return_scale,
        device,
        folder,
    )
    model = _fresh_model(settings, suite, device)
    sampler = _sampler(settings, resident, "batches", settings.batch_per_task)
    curve = train(
        model,
        sampler,
        settings.training,
        f"pretrain {suite.name} {settings.backbone} seed {settings.seed}",
        Validation(model, *_validation_sampler(settings, resident)()),
        source=str(data),
        generator=sampler.generator,
        checkpoint=checkpoint,
    )
    normaliser = resident.normaliser
    backbone = Backbone(
        settings.backbone,
        suite.name,
        model,
        normaliser.to(device),
        settings.return_scale,
        model.config,
        settings.kind,
    )
    return backbone, curve


def _fresh_model(
    settings: PretrainSettings, suite: Suite, device: torch.device
) -> PromptDT:
    """A model with random weights and a separate random stream for dropout."""
    weight_seed, dropout_seed = integers(_stream(settings, "weights"), 2)
    torch.manual_seed(int(weight_seed))
    model = PromptDT(backbone_config(suite, settings.kind, settings.sizes)).to(device)
    model.dropout.reseed(int(dropout_seed))
    return model


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


def _validation_sampler(settings: PretrainSettings, resident: PretrainData) -> Sampler:
    per_task = -(-VALIDATION_SEGMENTS // len(settings.train_tasks))
    return _sampler(settings, resident, "validation", per_task)


def _stream(settings: PretrainSettings, purpose: str) -> np.random.SeedSequence:
    names = settings.suite, settings.backbone, settings.seed
    return stream(settings.run_seed, "pretrain", *names, purpose)
