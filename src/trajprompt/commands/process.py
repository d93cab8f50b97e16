"""How the process of a command runs: errors as one line, exit codes."""

import gc
import os
import sys
from collections.abc import Callable, Sequence

from trajprompt.errors import Interrupted, TrajpromptError
from trajprompt.processes import stop_with_parent

# New objects between two searches for cyclic garbage. With Python's 700 the import of
# torch searches hundreds of thousands of objects again and again: 0.15 s of every start.
GARBAGE = 50_000


def run_stage(main: Callable[[Sequence[str] | None], None]) -> int:
    """Run a stage's ``main``; turn a TrajpromptError into one line and exit code 2.

    Numerical libraries get one thread each, as in the workflow, so that a stage gives the
    same bits by hand.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # Whatever draws on a user's screen or in a notebook, here pictures become files.
    os.environ["MPLBACKEND"] = "Agg"
    # Looking for plugins reads the metadata of every installed package.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    gc.set_threshold(GARBAGE)
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
        print("trajprompt: stopped", file=sys.stderr)
        return 130
    except OSError as error:
        where, what = error.filename or "disk", error.strerror or error
        print(f"trajprompt: error: {where}: {what}", file=sys.stderr)
        return 2
    return 0
