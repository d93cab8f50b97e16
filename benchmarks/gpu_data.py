"""Synthetic trajectories and untrained backbones of a configuration's sizes."""

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from trajprompt.models.backbone import Backbone
from trajprompt.models.pretraining import fresh_model
from trajprompt.settings.stages import PretrainSettings
from trajprompt.tasks.registry import get_suite
from trajprompt.trajectories.episodes import TaskTrajectories
from trajprompt.trajectories.normaliser import Normaliser

Config = dict[str, Any]


@functools.cache
def task_data(name: str, task: int, episodes: int) -> TaskTrajectories:
    """Random episodes of a task; the speed of training does not depend on the values."""
    suite, generator = get_suite(name), np.random.default_rng(task)
    rows = episodes * suite.horizon
    return TaskTrajectories(
        task,
        suite.goals[task],
        generator.standard_normal((rows, suite.state_dim), np.float32),
        generator.random((rows, suite.action_dim), np.float32) * 2 - 1,
        generator.random(rows, np.float32),
        np.zeros(rows, bool),
        np.arange(1, episodes + 1) * suite.horizon,
        np.zeros((episodes, suite.state_dim), np.float32),
        np.arange(episodes),
    )


def data(name: str, tasks: Sequence[int], episodes: int) -> list[TaskTrajectories]:
    """Random episodes of several tasks."""
    return [task_data(name, task, episodes) for task in tasks]


def backbone(settings: PretrainSettings, device: torch.device) -> Backbone:
    """An untrained backbone, which plays as fast as a trained one."""
    suite, model = get_suite(settings.suite), fresh_model(settings, device).eval()
    normaliser = Normaliser(torch.zeros(suite.state_dim), torch.ones(suite.state_dim))
    scale, kind = settings.return_scale, settings.kind
    return Backbone(
        settings.backbone,
        suite.name,
        model,
        normaliser.to(device),
        scale,
        model.config,
        kind,
    )
