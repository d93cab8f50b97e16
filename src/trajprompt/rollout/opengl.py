"""OpenGL without a display: which back end of MuJoCo draws here. Imports nothing heavy."""

import os
import subprocess
import sys

from trajprompt.errors import TrajpromptError

BACKENDS = ("egl", "osmesa")  # values of MUJOCO_GL; the first that works is taken
TRIAL = """
import mujoco

context = mujoco.GLContext(64, 64)
context.make_current()
mujoco.MjrContext(mujoco.MjModel.from_xml_string("<mujoco/>"), 50)
"""  # glfw only warns when it finds no display
LONGEST_TRIAL = 60  # seconds
REMEDY = "`apt-get install libegl1 libgl1-mesa-dri libopengl0`"  # Debian and Ubuntu
NOTHING_DRAWS = f"no OpenGL draws here without a display; {REMEDY}, then run again"


def working_backend() -> str | None:
    """The value of MUJOCO_GL with which MuJoCo draws here, or None.

    It is tried in a process of its own, because MuJoCo reads the variable once, when it
    is imported. If the user has set it, no other value is tried.
    """
    chosen = os.environ.get("MUJOCO_GL", "disable")
    candidates = BACKENDS if chosen == "disable" else (chosen,)
    return next(filter(_draws, candidates), None)


def require_opengl() -> str:
    """The value of MUJOCO_GL with which MuJoCo draws here; without one, TrajpromptError."""
    backend = working_backend()
    if backend is None:
        chosen = os.environ.get("MUJOCO_GL", "disable")
        tried = " nor ".join(BACKENDS) if chosen == "disable" else f"MUJOCO_GL={chosen}"
        found, expected = f"{tried} does not work", "OpenGL that draws without a display"
        raise TrajpromptError("rendering", found, expected, REMEDY)
    return backend


def choose_opengl() -> None:
    """Set MUJOCO_GL to what works; before MuJoCo is imported."""
    os.environ["MUJOCO_GL"] = require_opengl()


def _draws(backend: str) -> bool:
    environment = os.environ | {"MUJOCO_GL": backend}
    try:
        trial = subprocess.run(
            [sys.executable, "-c", TRIAL],
            env=environment,
            capture_output=True,
            timeout=LONGEST_TRIAL,
        )
    except subprocess.TimeoutExpired:
        return False
    return trial.returncode == 0
