"""Which OpenGL draws without a display."""

import pytest

from support.opengl import draws
from trajprompt.errors import TrajpromptError
from trajprompt.rollout import opengl


@pytest.fixture
def trials(monkeypatch):
    """The values of MUJOCO_GL that are tried; `monkeypatch` decides which of them work."""
    tried = []
    monkeypatch.delenv("MUJOCO_GL", raising=False)
    monkeypatch.setattr(
        opengl, "_draws", lambda name: tried.append(name) or name == "osmesa"
    )
    return tried


def test_the_first_back_end_that_works_is_chosen(trials, monkeypatch):
    assert opengl.working_backend() == "osmesa" and trials == ["egl", "osmesa"]
    opengl.choose_opengl()
    assert opengl.os.environ["MUJOCO_GL"] == "osmesa"


def test_the_users_choice_is_tried_alone(trials, monkeypatch):
    monkeypatch.setenv("MUJOCO_GL", "glfw")
    assert opengl.working_backend() is None and trials == ["glfw"]
    with pytest.raises(TrajpromptError, match="MUJOCO_GL=glfw does not work.*apt-get"):
        opengl.choose_opengl()


def test_disable_is_no_choice(trials, monkeypatch):
    """The workflow disables OpenGL for jobs that draw nothing."""
    monkeypatch.setenv("MUJOCO_GL", "disable")
    assert opengl.working_backend() == "osmesa"


def test_without_any_the_packages_are_named(trials, monkeypatch):
    monkeypatch.setattr(opengl, "BACKENDS", ("egl",))
    with pytest.raises(TrajpromptError, match="egl does not work.*libopengl0"):
        opengl.choose_opengl()


@draws
def test_it_is_really_tried(monkeypatch):
    monkeypatch.delenv("MUJOCO_GL", raising=False)
    assert opengl.working_backend() in opengl.BACKENDS
    monkeypatch.setattr(opengl, "TRIAL", "raise SystemExit(1)")
    assert opengl.working_backend() is None
