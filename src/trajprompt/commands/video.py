"""Stage 5: film the entries of one video side by side, one film per suite.

Writes the films to videos/ in the folder of the report.
"""

from collections.abc import Sequence
from pathlib import Path

from trajprompt.commands.arguments import (
    REPORT,
    command_parser,
    read_settings,
    stage_arguments,
)
from trajprompt.commands.process import run_stage
from trajprompt.settings.stages import VideoSettings

BACKBONE = "results/smoke/2_pretrain/cheetah-dir/prompt-dt/seed0.safetensors"
CELLS = "results/smoke/3_tune/cheetah-dir/expert"
EXAMPLE = f"""--config config.yaml presets/smoke.yaml --video rollouts --out report \\
    --backbones {BACKBONE} \\
    {BACKBONE} \\
    {BACKBONE} \\
    --adaptations {CELLS}/none/seed0.h5 \\
    {CELLS}/ptdt-offline/seed0.h5 \\
    {CELLS}/prompt-diffuser/seed0.h5"""


def main(argv: Sequence[str] | None = None) -> None:
    parser = command_parser("video", __doc__, EXAMPLE)
    text = "video to film: a name under videos in the config"
    parser.add_argument("--video", required=True, help=text)
    for name, kind in (
        ("backbones", "backbones of stage 2 (.safetensors)"),
        ("adaptations", "adaptations of stage 3 (.h5)"),
    ):
        text = f"{kind}: one per suite and entry of the video, suite by suite"
        parser.add_argument(
            f"--{name}", nargs="+", type=Path, required=True, metavar="FILE", help=text
        )
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help=REPORT)
    stage_arguments(parser)
    args = parser.parse_args(argv)

    from trajprompt.report.films.film import run

    settings = read_settings(args, VideoSettings, video=args.video)
    run(settings, args.backbones, args.adaptations, args.out)


if __name__ == "__main__":
    raise SystemExit(run_stage(main))
