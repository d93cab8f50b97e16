"""Run a stage of the reproduction, inspect its files or film a policy.

Stages 1 to 5 collect trajectories, pretrain backbones, tune prompts, evaluate them and
write the report. `snakemake --cores all` or `make reproduce` runs all of them.
"""

import argparse
import importlib
import sys
from collections.abc import Sequence

from trajprompt import __version__
from trajprompt.commands.process import run_stage

COMMANDS = {  # name -> purpose; trajprompt.commands.<name> has its ``main(argv)``
    "inspect": "show what a file of any stage contains: arrays, units, returns",
    "render": "write a video of one episode of a policy",
    "teach": "stage 1: train the teacher of a D4RL environment   (.safetensors)",
    "collect": "stage 1: collect the trajectories of a suite     (.h5)",
    "pretrain": "stage 2: train a backbone on trajectories        (.safetensors)",
    "learn": "stage 2: learn policies by an offline algorithm     (.safetensors)",
    "relabel": "stage 2: replace actions of the data by planned ones (.h5)",
    "tune": "stage 3: adapt a backbone to test tasks          (.h5)",
    "evaluate": "stage 4: play adapted prompts on fresh episodes  (.csv)",
    "random-policy": "stage 4: play random actions, the zero of scores (.csv)",
    "report": "stage 5: write the tables and claims of a run",
    "figure": "stage 5: draw one figure and write its data",
    "video": "stage 5: film episodes side by side",
    "results": "write one Markdown page of a finished run",
    "config": "print the complete configuration of a run, or its JSON Schema",
    "calibrate": "choose a method's step size or other options on training tasks",
    "import": "convert Prompt-DT pickles, D4RL or Minari data into trajectories",
    "export": "export trajectories as Minari datasets, one per task",
    "verify": "check that a run's files are complete, unchanged and consistent",
}
MODULES = {"import": "import_data", "export": "export_data"}  # if not named as the command
LISTED = "\n".join(f"  {name:<15}{text}" for name, text in COMMANDS.items())

EPILOG = f"""commands:
{LISTED}

examples:
  trajprompt collect --config config.yaml presets/smoke.yaml --suite reach --out reach.h5
  trajprompt inspect reach.h5
  trajprompt tune --help"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code of `run_stage`."""
    parser = argparse.ArgumentParser(
        prog="trajprompt",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"trajprompt {__version__}")
    parser.add_argument(
        "command", choices=COMMANDS, metavar="command", help="one of the commands below"
    )
    text = "arguments of the command; `trajprompt COMMAND --help` explains them"
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help=text)
    args = parser.parse_args(argv)
    return run_stage(lambda _: _run(args.command, args.arguments))


def _run(command: str, arguments: Sequence[str]) -> None:
    name = MODULES.get(command, command.replace("-", "_"))
    module = importlib.import_module(f"trajprompt.commands.{name}")
    try:
        module.main(arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as `head`, has closed the pipe
        sys.stdout = None


if __name__ == "__main__":
    raise SystemExit(main())
