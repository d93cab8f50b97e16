"""Stage 1: train the teacher of a D4RL environment, from which its levels of data are made.

Prints the score of each snapshot: 0 is random, 100 is D4RL's expert.
"""

import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path

from trajprompt.commands.arguments import command_parser, read_settings, stage_arguments
from trajprompt.commands.process import run_stage
from trajprompt.settings.stages import TeachSettings

EXAMPLE = """--config config.yaml presets/smoke.yaml --environment hopper \\
    --out policies.safetensors --replay replay.h5"""


def main(argv: Sequence[str] | None = None) -> None:
    parser = command_parser("teach", __doc__, EXAMPLE)
    parser.add_argument(
        "--environment", required=True, help="environment of D4RL suites, e.g. hopper"
    )
    for name, text in (
        ("--out", "policies to write (.safetensors)"),
        ("--replay", "episodes up to the medium policy to write (.h5)"),
    ):
        parser.add_argument(name, required=True, type=Path, metavar="FILE", help=text)
    stage_arguments(parser)
    args = parser.parse_args(argv)
    settings = read_settings(args, TeachSettings, environment=args.environment)
    run(settings, args.out, args.replay)


def run(settings: TeachSettings, out: Path, replay: Path) -> None:
    """Train a teacher; write its policies, its replay and their record.

    Raises TrajpromptError if the score of its expert or medium policy is out of range.
    """
    from trajprompt.artifacts.checkpoint import checkpoint_for
    from trajprompt.artifacts.provenance import provenance
    from trajprompt.artifacts.records import write_record
    from trajprompt.artifacts.resources import write_resources
    from trajprompt.collect.teacher import save_teacher
    from trajprompt.collect.teaching import teach
    from trajprompt.numerics.device import precision_name, resolve_device
    from trajprompt.tasks.registry import get_suite
    from trajprompt.trajectories.store import write_trajectories

    attributes = provenance("teach", dataclasses.asdict(settings))
    device = resolve_device(settings.device)
    if "precision" in settings.options:
        name = settings.options["precision"]
        attributes["precision"] = precision_name(name, device)
    with checkpoint_for(out, attributes, device) as checkpoint:
        start = time.process_time()
        teacher, episodes = teach(settings, checkpoint)
        seconds = time.process_time() - start
        print(f"{settings.environment}: {settings.algorithm}, {seconds:.0f} CPU-s")
        save_teacher(out, teacher, attributes)
        suite = get_suite(f"{settings.environment}-medium-replay")
        write_trajectories(replay, suite, [episodes], attributes)
        write_record(attributes, out, replay)
        write_resources(out, checkpoint.resumed_from)


if __name__ == "__main__":
    raise SystemExit(run_stage(main))
