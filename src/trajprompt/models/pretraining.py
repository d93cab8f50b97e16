"""Pretraining of a backbone on the training tasks of a suite."""

from pathlib import Path

import numpy as np
import torch

from trajprompt.artifacts.checkpoint import Checkpoint
from trajprompt.models.backbone import Backbone
from trajprompt.models.pretraining_data import PretrainData, Sampler, Validation, prepare
from trajprompt.models.prompt_dt import BackboneConfig, PromptDT, reads
from trajprompt.models.training import CurvePoint, TrainingSettings, train
from trajprompt.numerics.device import resolve_device
from trajprompt.seeds import integers, stream, torch_generator
from trajprompt.settings.stages import PretrainSettings
from trajprompt.tasks.registry import get_suite
from trajprompt.tasks.suites import Suite
from trajprompt.trajectories.store import read_trajectories

VALIDATION_SEGMENTS = 512  # over all tasks; the loss is then known to a few percent


def pretrain(
    settings: PretrainSettings, data: Path, checkpoint: Checkpoint | None = None
) -> tuple[Backbone, list[CurvePoint]]:
    """The trained backbone and its curve; ``data`` is the suite's trajectory store."""
    torch.set_num_threads(1)  # the same bits with one core or many, and no slower
    device = resolve_device(settings.device)
    suite = get_suite(settings.suite)
    tasks = read_trajectories(data, settings.train_tasks, suite)
    resident = prepare(
        [tasks[task] for task in settings.train_tasks],
        settings.data_fraction,
        settings.demonstrations,
        settings.return_scale,
        device,
    )
    weight_seed, dropout_seed = integers(_stream(settings, "weights"), 2)
    torch.manual_seed(int(weight_seed))
    model = PromptDT(backbone_config(settings, suite)).to(device)
    sampler = _sampler(settings, resident, "batches", settings.batch_per_task)
    curve = train(
        model,
        sampler,
        _training_settings(settings, int(dropout_seed)),
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


def backbone_config(settings: PretrainSettings, suite: Suite) -> BackboneConfig:
    """The architecture that the settings ask for."""
    seen = reads(settings.kind)
    return BackboneConfig(
        suite.state_dim,
        suite.action_dim,
        uses_prompt=seen.prompt,
        uses_returns=seen.returns,
        width=settings.width,
        layers=settings.layers,
        heads=settings.heads,
        inner=4 * settings.width,  # 512 at width 128, as in the reference
        dropout=settings.dropout,
        context_length=settings.context_length,
    )


def _sampler(
    settings: PretrainSettings, resident: PretrainData, purpose: str, per_task: int
) -> Sampler:
    held_out = purpose == "validation"
    prompts = resident.demonstrations if reads(settings.kind).prompt else None
    return Sampler(
        resident.validation if held_out else resident.contexts,
        prompts,
        torch_generator(_stream(settings, purpose), str(resident.contexts.device)),
        per_task,
        settings.context_length,
        settings.prompt_length,
        settings.prompt_segments,
        settings.prompt_position,
    )


def _validation_sampler(settings: PretrainSettings, resident: PretrainData) -> Sampler:
    per_task = -(-VALIDATION_SEGMENTS // len(settings.train_tasks))
    return _sampler(settings, resident, "validation", per_task)


def _training_settings(settings: PretrainSettings, dropout_seed: int) -> TrainingSettings:
    return TrainingSettings(
        steps=settings.steps,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        warmup_steps=settings.warmup_steps,
        schedule=settings.schedule,
        gradient_clip=settings.gradient_clip,
        precision=settings.precision,
        validation_every=settings.validation_every,
        seed=dropout_seed,
    )


def _stream(settings: PretrainSettings, purpose: str) -> np.random.SeedSequence:
    names = ("pretrain", settings.suite, settings.backbone, settings.seed, purpose)
    return stream(settings.run_seed, *names)
