"""Commands: one module for each subcommand of ``trajprompt``.

Python imports this package before it looks for the module of ``python -m``; ``argv[0]``
is "-m" until then. A job of a local run is handed to the job server here, before anything
else is imported.
"""

import os
import sys

from trajprompt.job_server import OFF, VARIABLE

if sys.argv[:1] == ["-m"] and os.environ.get(VARIABLE, OFF) != OFF:
    from trajprompt.job_server.client import hand_over

    hand_over(os.environ[VARIABLE])
