"""How the process of a command runs: errors as one line, exit codes."""

import os
import sys
from collections.abc import Callable, Sequence

from trajprompt.errors import Interrupted, TrajpromptError
from trajprompt.processes import stop_with_parent


def run_stage(main: Callable[[Sequence[str] | None], None]) -> int:
    """Run a stage's ``main``; turn a TrajpromptError into one line and exit code 2.

    Numerical libraries get one thread each, as in the workflow, so that a stage gives the
    same bits by hand.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")
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
