"""One thread per numerical library, as in the workflow; set before their import."""

import os

from trajprompt.rollout.opengl import working_backend

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["MPLBACKEND"] = "Agg"
# Workers of pytest-xdist inherit the backend. Without OpenGL, tests that draw are skipped.
os.environ["MUJOCO_GL"] = working_backend() or "disable"
