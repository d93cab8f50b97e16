"""Marker of tests that need OpenGL, which conftest.py has looked for."""

import os

import pytest

from trajprompt.rollout.opengl import NO_OPENGL

HAS_OPENGL = os.environ["MUJOCO_GL"] != "disable"
if os.environ.get("TRAJPROMPT_REQUIRE_OPENGL") and not HAS_OPENGL:
    raise RuntimeError(NO_OPENGL)
needs_opengl = pytest.mark.skipif(not HAS_OPENGL, reason=NO_OPENGL)
