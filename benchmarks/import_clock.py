"""Run a stage and measure the CPU time of its imports, for startup.py.

    python benchmarks/import_clock.py OUT.json trajprompt.commands.tune --suite ...

The stage runs as with ``python -m``. OUT.json contains the CPU seconds of the interpreter's
start, of all import statements (including late imports of libraries), and of the complete
process.
"""

import builtins
import importlib
import json
import runpy
import sys
import time
from collections.abc import Callable
from typing import Any


class ImportClock:
    """CPU seconds of imports; nested imports are counted once."""

    def __init__(self) -> None:
        self.seconds, self.depth = 0.0, 0

    def around(self, imports: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            if self.depth:
                return imports(*args, **kwargs)
            self.depth, start = 1, time.process_time()
            try:
                return imports(*args, **kwargs)
            finally:
                self.depth = 0
                self.seconds += time.process_time() - start

        return timed


def main() -> None:
    start = time.process_time()
    out, stage, *arguments = sys.argv[1:]
    clock = ImportClock()
    builtins.__import__ = clock.around(builtins.__import__)
    importlib.import_module = clock.around(importlib.import_module)
    sys.argv = [stage, *arguments]
    sys.path[0] = ""  # as with -m, instead of this folder
    try:
        runpy.run_module(stage, run_name="__main__", alter_sys=True)
    finally:
        times = {
            "start": start,
            "imports": clock.seconds,
            "all": time.process_time(),
            "modules": len(sys.modules),
        }
        with open(out, "w") as handle:
            json.dump(times, handle)


if __name__ == "__main__":
    main()
