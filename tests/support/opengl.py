"""Whether tests can draw; conftest.py has looked for it."""

import os

import pytest

from trajprompt.rollout.opengl import NOTHING_DRAWS

DRAWS = os.environ["MUJOCO_GL"] != "disable"
if os.environ.get("TRAJPROMPT_REQUIRE_OPENGL") and not DRAWS:
    raise RuntimeError(NOTHING_DRAWS)
draws = pytest.mark.skipif(not DRAWS, reason=NOTHING_DRAWS)
