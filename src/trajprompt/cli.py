"""The ``trajprompt`` command: looks inside artifacts, renders policies, runs stages."""

import argparse
import importlib
import sys
from collections.abc import Sequence

from trajprompt import __version__
from trajprompt.commands.process import run_stage

COMMANDS = {  # name -> what it does; trajprompt.commands.<name> has its ``main(argv)``
    "inspect": "look inside any artifact: tree, units, settings, return statistics",
    "render": "write a short video of a policy on a task",
    "collect": "1: collect the trajectories of a suite       (.h5)",
    "pretrain": "2: train a backbone on them                  (.safetensors)",
    "tune": "3: adapt it to test tasks with one method    (.h5)",
    "evaluate": "4: play the adapted prompts                  (.csv)",
    "random-policy": "4: play random actions, 0 of all scores      (.csv)",
    "report": "5: tables and claims of a run",
    "figure": "5: one figure of the papers, with the numbers behind it",
    "video": "5: rollouts side by side, filmed",
    "config": "the configuration of a run, all layers merged; its JSON Schema",
    "calibrate": "choose a method's step size or other options on training tasks",
    "import": "make a store of data from elsewhere (Prompt-DT pickles, D4RL, Minari)",
    "export": "write a store's tasks as Minari datasets",
    "verify": "whether a run's files belong together and are as they were made",
}
MODULES = {"import": "import_data", "export": "export_data"}  # others: the command's name
LISTED = "\n".join(f"  {name:<15}{text}" for name, text in COMMANDS.items())

EPILOG = f"""commands:
{LISTED}

examples:
  trajprompt inspect results/laptop/1_collect/cheetah-vel/trajectories.h5
  trajprompt inspect evaluation.csv --plot evaluation.png
  trajprompt tune --help

Whole runs are Snakemake's: `snakemake --cores all`, or `make reproduce`."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is 0, or 2 after an error that the user can mend."""
    parser = argparse.ArgumentParser(
        prog="trajprompt",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"trajprompt {__version__}")
    parser.add_argument("command", choices=COMMANDS, metavar="command", help="see below")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="see `command --help`")
    args = parser.parse_args(argv)
    return run_stage(lambda _: _run(args.command, args.arguments))


def _run(command: str, arguments: Sequence[str]) -> None:
    name = MODULES.get(command, command.replace("-", "_"))
    module = importlib.import_module(f"trajprompt.commands.{name}")
    try:
        module.main(arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        sys.stdout = None


if __name__ == "__main__":
    raise SystemExit(main())
