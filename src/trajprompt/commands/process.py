"""The process of a command: environment, one-line errors, exit codes."""

import gc
import os
import sys
from collections.abc import Callable, Sequence

from trajprompt.errors import Interrupted, TrajpromptError
from trajprompt.processes import stop_with_parent
from trajprompt.rollout.opengl import defer_opengl

# New objects between two runs of the cyclic garbage collector. With a small number (700 by
# default in Python 3.11) it scans torch repeatedly during the import: 0.15 s per start.
GC_THRESHOLD = 50_000


def run_stage(main: Callable[[Sequence[str] | None], None]) -> int:
    """Run a command's ``main`` and return the exit code.

    0: success. 2: TrajpromptError or OSError, printed as one line. 128 + the signal's
    number: stopped. Numerical libraries get one thread each, as in the workflow, so a
    stage called by hand writes the same bytes.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    defer_opengl()  # only videos need it
    # Figures are only written to files, whatever backend the user has set.
    os.environ["MPLBACKEND"] = "Agg"
    # Skip pydantic's search for plugins: it reads the metadata of every installed package.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    gc.set_threshold(GC_THRESHOLD)
    try:
        stop_with_parent()
        main(None)
    except TrajpromptError as error:
        print(f"trajprompt: error: {error}", file=sys.stderr)
        return 2
    except Interrupted as stop:
        print(f"trajprompt: {stop}", file=sys.stderr)
        return stop.exit_code
    except KeyboardInterrupt:
        print("trajprompt: stopped by SIGINT; run the command again", file=sys.stderr)
        return 130
    except OSError as error:
        where, what = error.filename or "disk", error.strerror or error
        remedy = "check this path, its permissions and the free disk space"
        print(f"trajprompt: error: {where}: {what}; {remedy}", file=sys.stderr)
        return 2
    finally:
        gc.freeze()  # the end of Python would scan all objects of the libraries: 0.4 CPU-s
    return 0
