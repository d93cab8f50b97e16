"""One thread per library, as in the workflow; set before anything imports them."""

import os

from trajprompt.rollout.opengl import working_backend

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["MPLBACKEND"] = "Agg"
# Workers of pytest-xdist inherit what was found. Without OpenGL only tests that draw skip.
if "MUJOCO_GL" not in os.environ:
    os.environ["MUJOCO_GL"] = working_backend() or "disable"
