"""Rendering: short films of real simulators, and errors before any is made."""

import json
import subprocess
import sys
from types import SimpleNamespace

import imageio
import numpy as np
import pytest

from support.opengl import needs_opengl
from trajprompt.commands.render import main
from trajprompt.errors import TrajpromptError
from trajprompt.rollout import opengl


def film(directory, name, *options):
    """Run the command in a new process: MuJoCo selects OpenGL when first imported."""
    command = [
        sys.executable,
        "-m",
        "trajprompt.commands.render",
        "--size",
        "64",
        "--fps",
        "40",
    ]
    done = subprocess.run(
        [*command, *options, "--out", str(directory / name)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    (written,) = directory.glob(name.split(".")[0] + ".*")  # .gif if ffmpeg is missing
    return np.array(imageio.mimread(written))[..., :3].astype(float), done.stdout


@needs_opengl
@pytest.mark.slow
@pytest.mark.parametrize(
    ("suite", "policy", "name"),
    [
        ("cheetah-vel", "random", "a.gif"),
        ("reach", "scripted", "b.mp4"),
        ("ant-dir", "random", "c.webm"),  # with an arrow towards its goal
    ],
)
def test_films_differ_from_frame_to_frame(tmp_path, suite, policy, name):
    options = ["--suite", suite, "--task", "2", "--policy", policy, "--steps", "20"]
    frames, _ = film(tmp_path, name, *options)
    assert len(frames) == (10 if suite == "reach" else 20)
    assert frames[0].std() > 5, "an empty picture"
    assert np.abs(np.diff(frames, axis=0)).mean(axis=(1, 2, 3)).max() > 0.1


@needs_opengl
@pytest.mark.slow
def test_films_an_adapted_backbone(tmp_path):
    write_untrained_cell(tmp_path)
    options = ["--suite", "cheetah-vel", "--task", "7", "--steps", "3"]
    options += ["--backbone-file", str(tmp_path / "b.safetensors")]
    options += ["--adaptation", str(tmp_path / "a.h5")]
    frames, output = film(tmp_path, "film.gif", *options)
    assert len(frames) == 3 and "task 7" in output


@needs_opengl
@pytest.mark.slow
@pytest.mark.parametrize("prompt", [True, False])
def test_films_a_d4rl_suite_with_and_without_prompt(tmp_path, prompt):
    """The camera follows the robot: it stays in the middle third of the picture."""
    if prompt:
        write_untrained_cell(tmp_path, "halfcheetah-medium", (0,), 17)
    else:
        write_untrained_policy(tmp_path, "halfcheetah-medium")
    options = ["--suite", "halfcheetah-medium", "--task", "0", "--steps", "20"]
    options += ["--backbone-file", str(tmp_path / "b.safetensors")]
    options += ["--adaptation", str(tmp_path / "a.h5")]
    frames, output = film(tmp_path, "film.gif", *options)
    assert len(frames) == 20 and "halfcheetah-medium task 0" in output
    reddish = frames[-1][..., 0] - frames[-1][..., 2] > 40  # the robot, not floor or sky
    assert reddish.sum() > 20
    assert 64 / 3 < np.nonzero(reddish)[1].mean() < 2 * 64 / 3


def write_untrained_policy(directory, suite):
    """An offline policy of halfcheetah, and its adaptation without a prompt."""
    import torch

    from trajprompt.adaptations.adaptation import Adaptation, HistoryRow
    from trajprompt.adaptations.write import write_adaptation
    from trajprompt.models.backbone import Backbone, save_backbone
    from trajprompt.models.state_policy import StatePolicy, StatePolicyConfig
    from trajprompt.trajectories.normaliser import Normaliser

    torch.manual_seed(0)
    config = StatePolicyConfig(17, 6, 8, 1)
    normaliser = Normaliser(torch.zeros(17), torch.ones(17))
    model = StatePolicy(config).eval()
    backbone = Backbone("iql", suite, model, normaliser, 1.0, config)
    save_backbone(directory / "b.safetensors", backbone, {})
    rows = np.array([0])
    problem = SimpleNamespace(rows=rows, prompts=np.zeros(1, int), initial_prompts=None)
    history = [HistoryRow(0, prompt=0, iteration=0, objective=0.0)]
    adaptation = Adaptation(None, None, np.zeros(1, int), history)
    attributes = {"suite": suite, "settings": json.dumps({"target_return": 6000.0})}
    write_adaptation(directory / "a.h5", problem, adaptation, attributes)


def write_untrained_cell(directory, suite="cheetah-vel", tasks=(2, 7), states=20):
    import torch

    from trajprompt.adaptations.adaptation import Adaptation, HistoryRow
    from trajprompt.adaptations.write import write_adaptation
    from trajprompt.models.backbone import Backbone, save_backbone
    from trajprompt.models.prompt_dt import BackboneConfig, PromptDT
    from trajprompt.trajectories.normaliser import Normaliser
    from trajprompt.trajectories.segments import Segments

    torch.manual_seed(0)
    config = BackboneConfig(states, 6, width=16, layers=2, inner=32)
    model = PromptDT(config).eval()
    normaliser = Normaliser(torch.zeros(states), torch.ones(states))
    backbone = Backbone("prompt-dt", suite, model, normaliser, 500.0, config)
    save_backbone(directory / "b.safetensors", backbone, {})
    count = len(tasks)
    sizes = ((count, 5, 1), (count, 5, states), (count, 5, 6))
    prompts = Segments(
        *map(torch.randn, sizes),
        timesteps=torch.arange(5).expand(count, 5),
        mask=torch.ones(count, 5, dtype=torch.bool),
    )
    rows = np.array(tasks)
    problem = SimpleNamespace(
        rows=rows, prompts=np.zeros(count, int), initial_prompts=prompts
    )
    history = [HistoryRow(task, prompt=0, iteration=0, objective=0.0) for task in rows]
    adaptation = Adaptation(prompts, prompts, np.zeros(count, int), history)
    attributes = {"suite": suite, "settings": json.dumps({"target_return": 0.0})}
    write_adaptation(directory / "a.h5", problem, adaptation, attributes)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--policy", "random", "--out", "film.avi"], "film.avi"),
        (["--policy", "random", "--out", "film.gif", "--fps", "0"], "--fps"),
        (["--policy", "random", "--out", "film.gif", "--task", "40"], "task 40"),
        (["--policy", "scripted", "--out", "film.gif"], "no scripted expert"),
        (["--out", "film.gif"], "--backbone-file"),
        (
            ["--suite", "point-sparse", "--policy", "scripted", "--out", "film.gif"],
            "point-sparse: has nothing to render",
        ),
    ],
)
def test_wrong_arguments_are_refused(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(opengl, "choose_opengl", lambda: None)  # nothing is rendered
    with pytest.raises(TrajpromptError, match=message):
        main(["--suite", "cheetah-vel", "--task", "0", *arguments])
    assert not list(tmp_path.iterdir())


FILM = """
import resource, sys
from pathlib import Path
import numpy
from trajprompt.commands.process import run_stage
from trajprompt.artifacts.video import write_video
frames = list(numpy.random.default_rng(0).integers(0, 255, (40, 96, 96, 3), numpy.uint8))
def main(argv):
    resource.setrlimit(resource.RLIMIT_FSIZE, (32768, 32768))  # also of ffmpeg
    write_video(Path(sys.argv[1]), frames, 20.0)
raise SystemExit(run_stage(main))
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["film.gif", "film.mp4"])
def test_an_incomplete_film_is_not_kept(tmp_path, name):
    command = [sys.executable, "-c", FILM, str(tmp_path / name)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2, done
    assert f"trajprompt: error: {tmp_path}" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())
