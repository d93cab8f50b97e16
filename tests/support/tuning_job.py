"""A tuning job on three invented tasks: its settings, data and backbone."""

import dataclasses

import numpy as np
import pytest
import torch

from trajprompt.commands import tune
from trajprompt.models.backbone import Backbone, save_backbone
from trajprompt.models.prompt_dt import BackboneConfig, PromptDT
from trajprompt.settings.engine import default_engine
from trajprompt.settings.sizes import PromptForm
from trajprompt.settings.stages import TuneSettings, to_json
from trajprompt.tasks.registry import get_suite
from trajprompt.trajectories.episodes import TaskTrajectories
from trajprompt.trajectories.normaliser import Normaliser
from trajprompt.trajectories.store import write_trajectories
from trajprompt.tuning.problem import build_problem, tasks_read

SUITE = get_suite("cheetah-vel")
SETTINGS = TuneSettings(
    run="test",
    run_seed=1,
    suite="cheetah-vel",
    condition="expert",
    method="none",
    kind="none",
    options={},
    seed=0,
    train_tasks=(3, 5, 9),
    test_tasks=(2, 7),
    prompt_quality="expert",
    data_quality="expert",
    prompt=PromptForm(segments=1, length=5),
    prompts_per_task=2,
    samples=16,
    demonstrations=3,
    data_trajectories=3,
    data_fraction=1.0,
    target_return=0.0,
    precision="fp32",
    engine=default_engine(),
    device="cpu",
    threads=1,
)


def task_data(task: int) -> TaskTrajectories:
    """Return nine episodes of 30 steps; the states of episode e are near e."""
    generator = np.random.default_rng(task)
    episode = np.repeat(np.arange(9), 30)
    states = episode[:, None] + 0.01 * generator.standard_normal((270, 20))
    return TaskTrajectories(
        task=task,
        goal=SUITE.goals[task],
        observations=states.astype(np.float32),
        actions=np.tanh(generator.standard_normal((270, 6))).astype(np.float32),
        rewards=-np.ones(270, np.float32),
        terminations=np.zeros(270, bool),
        episode_ends=np.arange(30, 271, 30),
        final_observations=np.zeros((9, 20), np.float32),
        behaviour_step=np.arange(0, 270, 30),
    )


def make_backbone(uses_prompt: bool = True) -> Backbone:
    torch.manual_seed(0)
    config = BackboneConfig(20, 6, width=16, layers=2, inner=32, uses_prompt=uses_prompt)
    name = "prompt-dt" if uses_prompt else "mt-orl"
    normaliser = Normaliser(torch.zeros(20), torch.ones(20))
    return Backbone(name, "cheetah-vel", PromptDT(config).eval(), normaliser, 500.0, config)


def build(**changes):
    settings = dataclasses.replace(SETTINGS, **changes)
    buffers = {task: task_data(task) for task in tasks_read(settings)}
    return build_problem(settings, SUITE, buffers, make_backbone())


GENERATIVE = {"method": "prompt-diffuser", "kind": "prompt-diffuser"}


@pytest.fixture
def files(tmp_path):
    write_trajectories(tmp_path / "d.h5", SUITE, [task_data(2), task_data(7)], {})
    save_backbone(tmp_path / "b.safetensors", make_backbone(), {})
    return tmp_path


def run_tune(files, settings: TuneSettings, out: str):
    arguments = ["--suite", settings.suite, "--condition", settings.condition]
    arguments += ["--method", settings.method, "--seed", str(settings.seed)]
    arguments += ["--data", f"{files}/d.h5", "--backbone-file", f"{files}/b.safetensors"]
    tune.main([*arguments, "--out", f"{files}/{out}", "--settings", to_json(settings)])
