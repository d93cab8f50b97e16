"""Print what a preset lacks of the calibration's choices, or has differently.

A line has the preset's file, the key, the chosen value and the value found. Values are put
into presets by hand.
"""

from collections.abc import Sequence
from pathlib import Path

from trajprompt.commands.arguments import command_parser
from trajprompt.commands.process import run_stage

CHOICES = "results/calibration/6_calibrate/choices.yaml"
EXAMPLES = ("", "--choices results/reference/calibration/choices.yaml")


def main(argv: Sequence[str] | None = None) -> None:
    parser = command_parser("calibrate --choose", __doc__, *EXAMPLES)
    parser.add_argument(
        "--config",
        nargs="+",
        metavar="FILE",
        default=["config.yaml"],
        help="YAML files of the run, config.yaml first (default: config.yaml)",
    )
    text = f"choices of a calibration (default: {CHOICES})"
    parser.add_argument("--choices", default=CHOICES, metavar="FILE", help=text)
    args = parser.parse_args(argv)
    from trajprompt.config.choices import differences, read_choices
    from trajprompt.config.load import load_config

    choices = read_choices(Path(args.choices))
    found = list(differences(load_config(args.config), choices))
    print("\n".join(map(str, found)) or "the preset has all choices")


if __name__ == "__main__":
    raise SystemExit(run_stage(main))
