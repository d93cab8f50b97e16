"""Choice of an OpenGL back end that renders without a display."""

import pytest

from support.opengl import needs_opengl
from trajprompt.errors import TrajpromptError
from trajprompt.rollout import opengl


@pytest.fixture
def trials(monkeypatch):
    """The values of MUJOCO_GL that are tried; `monkeypatch` decides which of them work."""
    tried = []
    monkeypatch.delenv("MUJOCO_GL", raising=False)
    monkeypatch.delenv(opengl.CHOSEN, raising=False)
    monkeypatch.setattr(
        opengl, "_renders", lambda name: tried.append(name) or name == "osmesa"
    )
    return tried


def test_the_first_back_end_that_works_is_chosen(trials, monkeypatch):
    assert opengl.working_backend() == "osmesa" and trials == ["egl", "osmesa"]
    opengl.choose_opengl()
    assert opengl.os.environ["MUJOCO_GL"] == "osmesa"


def test_the_users_choice_is_tried_alone(trials, monkeypatch):
    monkeypatch.setenv("MUJOCO_GL", "glfw")
    assert opengl.working_backend() is None and trials == ["glfw"]
    with pytest.raises(
        TrajpromptError, match="MUJOCO_GL=glfw does not work.*unset MUJOCO_GL"
    ):
        opengl.choose_opengl()


def test_the_users_choice_outlasts_jobs_without_opengl(trials, monkeypatch):
    monkeypatch.setenv(opengl.CHOSEN, "")  # restored at the end
    monkeypatch.setenv("MUJOCO_GL", "osmesa")
    for _ in range(2):  # Snakemake's and the job's process
        opengl.defer_opengl()
        assert opengl.os.environ["MUJOCO_GL"] == "disable"
    assert opengl.working_backend() == "osmesa" and trials == ["osmesa"]


def test_an_empty_value_does_not_count_as_a_choice(trials, monkeypatch):
    monkeypatch.setenv("MUJOCO_GL", "")
    assert opengl.working_backend() == "osmesa" and trials == ["egl", "osmesa"]


def test_disable_does_not_count_as_a_choice(trials, monkeypatch):
    """The workflow disables OpenGL for jobs that render nothing."""
    monkeypatch.setenv("MUJOCO_GL", "disable")
    assert opengl.working_backend() == "osmesa"


def test_error_names_the_packages_to_install(trials, monkeypatch):
    monkeypatch.setattr(opengl, "BACKENDS", ("egl",))
    with pytest.raises(TrajpromptError, match="egl does not work.*libopengl0"):
        opengl.choose_opengl()


@needs_opengl
def test_back_ends_are_tried(monkeypatch):
    monkeypatch.delenv("MUJOCO_GL", raising=False)
    monkeypatch.delenv(opengl.CHOSEN, raising=False)
    assert opengl.working_backend() in opengl.BACKENDS
    monkeypatch.setattr(opengl, "TRIAL", "raise SystemExit(1)")
    assert opengl.working_backend() is None
