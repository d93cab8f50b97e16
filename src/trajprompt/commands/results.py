"""Write one Markdown page of a finished run: verdicts, tables and figures by paper.

--quotes names other pages that quote claims, as "+2.2 [−3.3, 7.7] on cheetah-vel, too noisy
(`ptdt-online-helps`)". Their values and verdicts are replaced by those of the run.
"""

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
    parser.add_argument(
        "--quotes",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="pages (.md) whose quotes of claims are updated",
    )
    args = parser.parse_args(argv)

    from trajprompt.artifacts.atomic import require_file, write_text
    from trajprompt.config import cells
    from trajprompt.report.pages.quotes import read_judged, with_current_quotes
    from trajprompt.report.pages.results import results_page

    write_text(args.out, results_page(args.run, args.out, cells.made))
    claims = read_judged(args.run / "claims.csv") if args.quotes else {}
    for page in args.quotes:
        text = require_file(page, "").read_text()
        write_text(page, with_current_quotes(text, claims, str(page)))


if __name__ == "__main__":
    raise SystemExit(run_stage(main))
