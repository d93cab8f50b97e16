"""Make the whole calibration: all methods and suites, then the choices.

It runs `snakemake calibrate_all` with presets/calibration.yaml, whose data and backbones
are its own. The tables are in results/calibration/6_calibrate. An interrupted calibration
resumes when the command is given again.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from trajprompt.commands.arguments import command_parser
from trajprompt.commands.process import run_stage
from trajprompt.errors import TrajpromptError

PRESET = "presets/calibration.yaml"
TARGET = "calibrate_all"
EXAMPLES = ("--cores 2", "--cores 2 -- --dry-run")


def main(argv: Sequence[str] | None = None) -> None:
    parser = command_parser("calibrate --all", __doc__, *EXAMPLES)
    parser.add_argument("--cores", default="all", help="number of cores (default: all)")
    text = f"configuration above config.yaml (default: {PRESET})"
    parser.add_argument("--configfile", default=PRESET, metavar="FILE", help=text)
    parser.add_argument("options", nargs="*", help="options of Snakemake, after --")
    args = parser.parse_args(argv)
    if not Path("Snakefile").is_file():
        remedy = "run the command in the folder of the repository"
        raise TrajpromptError("Snakefile", "no such file", "the workflow", remedy)
    command = snakemake(args.cores, args.configfile, args.options)
    print(" ".join(command), flush=True)
    code = subprocess.run([sys.executable, "-m", *command], check=False).returncode
    if code:
        raise SystemExit(code)


def snakemake(cores: str, file: str, options: Sequence[str] = ()) -> list[str]:
    """Command line that makes the calibration."""
    return ["snakemake", "--cores", cores, "--configfile", file, *options, "--", TARGET]


if __name__ == "__main__":
    raise SystemExit(run_stage(main))
