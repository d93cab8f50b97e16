"""Write one Markdown page of a finished run: verdicts, tables and figures by paper."""

from collections.abc import Sequence
from pathlib import Path

from trajprompt.commands.arguments import command_parser
from trajprompt.commands.process import run_stage

EXAMPLE = "results/reference/laptop --out docs/results.md"


def main(argv: Sequence[str] | None = None) -> None:
    parser = command_parser("results", __doc__, EXAMPLE)
    parser.add_argument(
        "run",
        type=Path,
        metavar="FOLDER",
        help="report folder of the run, e.g. results/laptop/5_report",
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="page to write (.md)"
    )
    args = parser.parse_args(argv)

    from trajprompt.artifacts.atomic import write_text
    from trajprompt.report.pages.results import results_page

    write_text(args.out, results_page(args.run, args.out))


if __name__ == "__main__":
    raise SystemExit(run_stage(main))
