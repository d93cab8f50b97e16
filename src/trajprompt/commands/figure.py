"""Stage 5: draw one figure of the config and write its data.

Writes the picture to figures/ and the data to tables/ in the folder of the report.
"""

import argparse
import importlib
from collections.abc import Sequence
from pathlib import Path

from trajprompt.commands.arguments import (
    REPORT,
    command_parser,
    read_settings,
    stage_arguments,
)
from trajprompt.commands.process import run_stage
from trajprompt.report.plots.inputs import READS, WITH_TEXT, module_of
from trajprompt.settings.stages import FigureSettings

EXAMPLE = """--config config.yaml presets/smoke.yaml --figure ptdt_figure5 \\
    --evaluations results/smoke/4_evaluate/*/*/*/seed0.csv --out report"""


def main(argv: Sequence[str] | None = None) -> None:
    parser = command_parser("figure", __doc__, EXAMPLE)
    parser.add_argument(
        "--figure", required=True, help="figure to draw: a name under figures in the config"
    )
    for name, text in (
        ("evaluations", "evaluations of stage 4 (.csv) of all cells of the figure"),
        ("adaptations", "adaptations of stage 3 (.h5) of all cells of the figure"),
        ("backbones", "backbones of stage 2 (.safetensors) of all cells of the figure"),
        ("stores", "trajectories of stage 1 (.h5) of all suites of the figure"),
    ):
        kinds = ", ".join(kind for kind, reads in READS.items() if name in reads)
        text = f"{text}; needed if the figure has a kind among {kinds}"
        parser.add_argument(
            f"--{name}", nargs="*", type=Path, default=[], metavar="FILE", help=text
        )
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help=REPORT)
    stage_arguments(parser)
    args = parser.parse_args(argv)
    run(read_settings(args, FigureSettings, table=args.figure), args)


def run(settings: FigureSettings, args: argparse.Namespace) -> None:
    """Compute the figure's table, write it and draw it."""
    from trajprompt.artifacts.atomic import write_text
    from trajprompt.artifacts.csv_files import write_csv
    from trajprompt.report.pages.html import table_page, write_page
    from trajprompt.report.plots.figure import Figure
    from trajprompt.report.read.run import load_run

    kind = importlib.import_module(
        f"trajprompt.report.plots.kinds.{module_of(settings.kind)}"
    )
    loaded = load_run(settings, args.evaluations, args.stores)
    figure = Figure(settings, loaded, args.adaptations, args.backbones)
    rows = kind.table(figure)
    stem = args.out / "tables" / settings.table
    write_csv(stem.with_suffix(".csv"), rows)
    kind.draw(rows, figure, args.out / "figures" / settings.table)
    if settings.kind in WITH_TEXT:
        write_text(stem.with_suffix(".md"), kind.markdown(rows, figure))
        page = args.out / "pages" / f"{settings.table}.html"
        write_page(page, settings.title, table_page(stem))


if __name__ == "__main__":
    raise SystemExit(run_stage(main))
