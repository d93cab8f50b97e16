"""Choice of an OpenGL back end that works without a display. Imports nothing heavy."""

import os
import subprocess
import sys

from trajprompt.errors import TrajpromptError

DISABLED = "disable"  # value of MUJOCO_GL
CHOSEN = "TRAJPROMPT_MUJOCO_GL"  # the user's value while MUJOCO_GL is disabled
BACKENDS = ("egl", "osmesa")  # values of MUJOCO_GL; the first that works is used
TRIAL = """
import mujoco

context = mujoco.GLContext(64, 64)
context.make_current()
mujoco.MjrContext(mujoco.MjModel.from_xml_string("<mujoco/>"), 50)
"""  # glfw only warns when it finds no display
TRIAL_TIMEOUT = 60  # seconds
INSTALL = "`apt-get install libegl1 libgl1-mesa-dri libopengl0`"  # Debian and Ubuntu
NO_OPENGL = f"no OpenGL back end renders without a display; {INSTALL}, then run again"


def defer_opengl() -> None:
    """Keep `import mujoco` from loading OpenGL, which fails on machines without it.

    A value of MUJOCO_GL that the user has set is kept for `working_backend`.
    """
    if chosen := _chosen():
        os.environ[CHOSEN] = chosen
    os.environ["MUJOCO_GL"] = DISABLED


def working_backend() -> str | None:
    """Value of MUJOCO_GL with which MuJoCo renders on this machine, or None.

    Each value is tried in a subprocess, because MuJoCo reads the variable only at its
    import. If the user has set a value, only this one is tried.
    """
    chosen = _chosen()
    return next(filter(_renders, (chosen,) if chosen else BACKENDS), None)


def require_opengl() -> str:
    """Return `working_backend`; raise TrajpromptError if there is none."""
    backend = working_backend()
    if backend is None:
        chosen = _chosen()
        found = f"MUJOCO_GL={chosen}" if chosen else " or ".join(BACKENDS)
        remedy = f"unset MUJOCO_GL, or {INSTALL}" if chosen else INSTALL
        expected = "OpenGL that renders without a display"
        raise TrajpromptError("rendering", f"{found} does not work", expected, remedy)
    return backend


def choose_opengl() -> None:
    """Set MUJOCO_GL to a value that works; call it before MuJoCo is imported."""
    os.environ["MUJOCO_GL"] = require_opengl()


def _renders(backend: str) -> bool:
    environment = os.environ | {"MUJOCO_GL": backend}
    try:
        trial = subprocess.run(
            [sys.executable, "-c", TRIAL],
            env=environment,
            capture_output=True,
            timeout=TRIAL_TIMEOUT,
        )
    except subprocess.TimeoutExpired:
        return False
    return trial.returncode == 0


def _chosen() -> str:
    """The user's value of MUJOCO_GL; empty if there is none."""
    given = os.environ.get("MUJOCO_GL", "")
    return given if given not in ("", DISABLED) else os.environ.get(CHOSEN, "")
