"""Stage 5, one figure: ``trajprompt figure --figure NAME … --out FOLDER``.

Writes the picture into figures/ below the folder ``--out``, its numbers into tables/.
"""

import argparse
import importlib
from collections.abc import Sequence
from pathlib import Path

from trajprompt.commands.arguments import read_settings, stage_arguments
from trajprompt.commands.process import run_stage
from trajprompt.report.plots.inputs import READS, WITH_TEXT, module_of
from trajprompt.settings.stages import FigureSettings


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="trajprompt figure", description=__doc__)
    parser.add_argument(
        "--figure", required=True, help="a name under figures in the config"
    )
    for name, text in (
        ("evaluations", "CSV files of stage 4, of every cell of the figure"),
        ("adaptations", "HDF5 files of stage 3, of every cell of the figure"),
        ("backbones", "safetensors of stage 2 that the cells were made with"),
        ("stores", "trajectory stores of stage 1, of the suites of the figure"),
    ):
        kinds = ", ".join(kind for kind, reads in READS.items() if name in reads)
        text = f"{text}; read by {kinds}"
        parser.add_argument(f"--{name}", nargs="*", type=Path, default=[], help=text)
    parser.add_argument("--out", type=Path, required=True, help="folder of the report")
    stage_arguments(parser)
    args = parser.parse_args(argv)
    run(read_settings(args, FigureSettings, table=args.figure), args)


def run(settings: FigureSettings, args: argparse.Namespace) -> None:
    """Make the numbers, write them, draw them."""
    from trajprompt.artifacts.atomic import write_text
    from trajprompt.artifacts.csv_files import write_csv
    from trajprompt.report.pages.html import table_page, write_page
    from trajprompt.report.plots.figure import Figure
    from trajprompt.report.read.run import load_run

    kind = importlib.import_module(
        f"trajprompt.report.plots.kinds.{module_of(settings.kind)}"
    )
    found = load_run(settings, args.evaluations, args.stores)
    figure = Figure(settings, found, args.adaptations, args.backbones)
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
