"""Stage 5, one video entry of the config: ``trajprompt video --video NAME … --out FOLDER``.

Writes a film per suite into videos/ below the folder ``--out``.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from trajprompt.commands.arguments import read_settings, stage_arguments
from trajprompt.commands.process import run_stage
from trajprompt.settings.stages import VideoSettings


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="trajprompt video", description=__doc__)
    text = "a name under videos in the config"
    parser.add_argument("--video", required=True, help=text)
    for name, what in (
        ("backbones", ".safetensors of stage 2"),
        ("adaptations", ".h5 of stage 3"),
    ):
        text = f"{what}: suite by suite, one per entry of the video"
        parser.add_argument(f"--{name}", nargs="+", type=Path, required=True, help=text)
    parser.add_argument("--out", type=Path, required=True, help="folder of the report")
    stage_arguments(parser)
    args = parser.parse_args(argv)

    from trajprompt.report.films.film import run

    settings = read_settings(args, VideoSettings, video=args.video)
    run(settings, args.backbones, args.adaptations, args.out)


if __name__ == "__main__":
    raise SystemExit(run_stage(main))
