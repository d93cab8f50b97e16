"""Rendering: a short film of a real simulator, and the errors before it."""

import subprocess
import sys

import imageio
import numpy as np
import pytest

from trajprompt.errors import TrajpromptError
from trajprompt.render import main


@pytest.mark.slow
@pytest.mark.parametrize(
    ("suite", "policy", "name"),
    [("cheetah-vel", "random", "a.gif"), ("reach", "scripted", "b.mp4")],
)
def test_films_differ_from_frame_to_frame(tmp_path, suite, policy, name):
    # A process of its own: MuJoCo picks its OpenGL back end when first imported.
    command = [sys.executable, "-m", "trajprompt.render", "--suite", suite, "--task", "2"]
    command += ["--policy", policy, "--steps", "20", "--size", "64", "--fps", "40"]
    done = subprocess.run(
        [*command, "--out", str(tmp_path / name)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    written = list(tmp_path.iterdir())
    assert len(written) == 1 and written[0].stem == name[0]
    frames = np.array(imageio.mimread(written[0]))[..., :3].astype(float)
    assert len(frames) == (20 if suite == "cheetah-vel" else 10)
    assert frames[0].std() > 5, "an empty picture"
    assert np.abs(np.diff(frames, axis=0)).mean(axis=(1, 2, 3)).max() > 0.1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--policy", "random", "--out", "film.avi"], "film.avi"),
        (["--policy", "random", "--out", "film.gif", "--fps", "0"], "--fps"),
        (["--policy", "random", "--out", "film.gif", "--task", "40"], "task 40"),
        (["--policy", "scripted", "--out", "film.gif"], "no scripted expert"),
        (["--out", "film.gif"], "--backbone-file"),
    ],
)
def test_bad_requests(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TrajpromptError, match=message):
        main(["--suite", "cheetah-vel", "--task", "0", *arguments])
    assert not list(tmp_path.iterdir())
