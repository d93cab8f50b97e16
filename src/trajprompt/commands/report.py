"""Stage 5: write one part of the report of a run.

`trajprompt report PART --help` explains the files that a part needs and has an example.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from trajprompt.artifacts.csv_files import write_csv
from trajprompt.commands.arguments import (
    REPORT,
    command_parser,
    read_settings,
    stage_arguments,
)
from trajprompt.commands.process import run_stage
from trajprompt.settings.stages import ReportSettings

SIZES = "sizes.csv"  # published numbers of parameters, in the folder of a paper
RUN = "--out report --config config.yaml presets/smoke.yaml"
# Files of the smoke run.
STORES_OF_RUN = """ \\
    --stores results/smoke/1_collect/*/trajectories.h5"""
PRETRAINING_OF_RUN = """ \\
    --pretraining results/smoke/2_pretrain/*/*/seed0.csv"""
ADAPTATIONS_OF_RUN = """ \\
    --adaptations results/smoke/3_tune/*/*/*/seed0.h5"""
EVALUATIONS_OF_RUN = """ \\
    --evaluations results/smoke/4_evaluate/*/*/*/seed0.csv"""
RANDOM_OF_RUN = """ \\
    --random-policies results/smoke/4_evaluate/*/random-policy.csv"""
RECORD_OF_RUN = """ \\
    --inputs results/smoke/[1-4]_*/*/*.csv --outputs report/claims.csv \\
    --run-config "$(python -c 'import json, trajprompt.config.load as load; \\
        print(json.dumps(load.load_config(["config.yaml", "presets/smoke.yaml"])))')\""""
EXAMPLES = {  # part -> its arguments
    "table": f"--table ptdt_table1 {RUN}{EVALUATIONS_OF_RUN}{STORES_OF_RUN}",
    "aggregate": f"{RUN}{EVALUATIONS_OF_RUN}{STORES_OF_RUN}{RANDOM_OF_RUN}",
    "curves": f"{RUN}{STORES_OF_RUN}{PRETRAINING_OF_RUN}",
    "claims": f"{RUN}{EVALUATIONS_OF_RUN}{STORES_OF_RUN}",
    "compute": f"{RUN}{STORES_OF_RUN}{PRETRAINING_OF_RUN}{ADAPTATIONS_OF_RUN}"
    f"{EVALUATIONS_OF_RUN}{RANDOM_OF_RUN}",
    "record": f"{RUN}{RECORD_OF_RUN}",
}
Option = tuple[str, dict[str, Any]]  # name, keyword arguments of add_argument
Command = Callable[[argparse.Namespace, ReportSettings], None]


def main(argv: Sequence[str] | None = None) -> None:
    parser = command_parser("report", __doc__, f"table {EXAMPLES['table']}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="PART")
    for name, (text, run, options) in COMMANDS.items():
        command = commands.add_parser(
            name,
            help=text,
            description=f"Stage 5: {text}.",
            epilog=f"example:\n  trajprompt report {name} {EXAMPLES[name]}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        for option, arguments in (*options, OUT):
            command.add_argument(option, **arguments)
        stage_arguments(command)
        command.set_defaults(run=run, table="")
    args = parser.parse_args(argv)
    args.run(args, read_settings(args, ReportSettings, table=args.table))


def _files(name: str, metavar: str, meaning: str, **more: Any) -> Option:
    arguments = {"nargs": "+", "type": Path, "metavar": metavar, "help": meaning}
    return name, arguments | ({"required": True} | more)


def _folder(name: str, meaning: str, **more: Any) -> Option:
    arguments = {"type": Path, "metavar": "FOLDER", "help": meaning}
    return name, arguments | (more or {"required": True})


def _configuration(text: str) -> Any:
    """Configuration of a run from the argument ``text``."""
    try:
        return json.loads(text)
    except ValueError as error:
        found = f"not JSON ({error}): {text[:80]!r}"
        expected = "the complete configuration of the run; see the example of --help"
        raise argparse.ArgumentTypeError(f"{found}; expected {expected}") from error


def write_table(args: argparse.Namespace, settings: ReportSettings) -> None:
    """Write a table for ``last`` and ``best``, its per-task table and its figure."""
    from trajprompt.artifacts.atomic import write_text
    from trajprompt.report.numbers.cell_table import cell_table, task_table
    from trajprompt.report.pages.html import table_page, write_page
    from trajprompt.report.pages.markdown import table_markdown, task_markdown
    from trajprompt.report.plots.table_figure import draw_table
    from trajprompt.report.read.papers import printed_files
    from trajprompt.report.read.run import load_run

    printed = printed_files(settings.papers, f"{settings.table}.csv")
    sizes = Path(settings.papers) / settings.paper / SIZES
    files = args.evaluations, args.stores, args.adaptations, printed
    run = load_run(settings, *files, sizes if sizes.is_file() else None)
    tables, name = args.out / "tables", settings.table
    for checkpoint, suffix in (("last", ""), ("best", "_best")):
        table = cell_table(run, checkpoint)
        write_csv(tables / f"{name}{suffix}.csv", table)
        write_text(tables / f"{name}{suffix}.md", table_markdown(table, run, checkpoint))
    per_task = task_table(run)
    write_csv(tables / f"{name}_tasks.csv", per_task)
    write_text(tables / f"{name}_tasks.md", task_markdown(per_task))
    draw_table(cell_table(run), run, args.out / "figures" / name)
    write_page(args.out / "pages" / f"{name}.html", run.title, table_page(tables / name))


def write_curves(args: argparse.Namespace, settings: ReportSettings) -> None:
    """Write the learning curves of collection and pretraining."""
    from trajprompt.report.numbers import learning
    from trajprompt.report.plots.learning import draw_collection, draw_pretraining

    figures = args.out / "figures"
    collected = learning.collection_table(args.stores)
    write_csv(args.out / "tables" / "collection.csv", collected)
    draw_collection(collected, figures / "collection")
    pretrained = learning.pretraining_table(args.pretraining)
    write_csv(args.out / "tables" / "pretraining.csv", pretrained)
    draw_pretraining(pretrained, figures / "pretraining")


def write_claims(args: argparse.Namespace, settings: ReportSettings) -> None:
    """Write the papers' claims, each with its verdict."""
    from trajprompt.artifacts.atomic import write_text
    from trajprompt.report.numbers.claims import read_ledger
    from trajprompt.report.numbers.verdicts import judge
    from trajprompt.report.pages.claims_markdown import claims_markdown
    from trajprompt.report.pages.html import from_markdown, write_page
    from trajprompt.report.read.papers import printed_files
    from trajprompt.report.read.published import Published
    from trajprompt.report.read.run import load_run

    ledger = read_ledger(settings.papers)
    tables = {claim.table for claim in ledger.claims}
    printed = {
        name: Published(printed_files(settings.papers, f"{name}.csv")) for name in tables
    }
    run = load_run(settings, args.evaluations, args.stores)
    table = judge(ledger, run, printed)
    write_csv(args.out / "claims.csv", table)
    text = f"# The papers' claims\n\n{claims_markdown(ledger, table, run)}"
    write_text(args.out / "claims.md", text)
    write_page(args.out / "pages" / "claims.html", "Claims", from_markdown(text))


def write_aggregate(args: argparse.Namespace, settings: ReportSettings) -> None:
    """Compare the methods of all suites, then those of the suite with the most methods."""
    import pandas as pd

    from trajprompt.artifacts.atomic import write_text
    from trajprompt.report.numbers.aggregate import blocks, profile_table
    from trajprompt.report.pages.aggregate_markdown import aggregate_markdown
    from trajprompt.report.pages.html import from_markdown, picture, write_page
    from trajprompt.report.plots.aggregate_figure import draw_aggregate
    from trajprompt.report.read.papers import printed_files
    from trajprompt.report.read.run import load_run

    table = args.suites_of
    printed = printed_files(settings.papers, f"{table}.csv") if table else []
    run = load_run(
        settings,
        args.evaluations,
        args.stores,
        published=printed,
        random_policies=args.random_policies,
    )
    found = blocks(run)
    profiles = [profile_table(run, block.found) for block in found]
    tables = args.out / "tables"
    write_csv(tables / "aggregate.csv", pd.concat([block.means for block in found]))
    write_csv(tables / "improvement.csv", pd.concat([block.beats for block in found]))
    write_csv(tables / "profiles.csv", pd.concat(profiles))
    text = f"# All methods over all suites\n\n{aggregate_markdown(found, run)}"
    write_text(tables / "aggregate.md", text)
    drawing = args.out / "figures" / "aggregate"
    draw_aggregate(found[0].means, profiles[0], found[0].beats, drawing)
    page = from_markdown(text) + picture(drawing.with_suffix(".svg"), "all methods")
    write_page(args.out / "pages" / "aggregate.html", "All methods", page)


def write_compute(args: argparse.Namespace, settings: ReportSettings) -> None:
    """Write time, memory and simulator steps of every stage; CPU time of every cell."""
    from trajprompt.artifacts.atomic import write_text
    from trajprompt.report.numbers.compute import RunFiles, compute_table
    from trajprompt.report.numbers.method_costs import EVALUATE, TUNE, cost_table
    from trajprompt.report.pages.compute_markdown import compute_markdown, cost_markdown
    from trajprompt.report.pages.html import from_markdown, write_page

    made = RunFiles(
        args.stores,
        args.pretraining,
        args.adaptations,
        args.evaluations,
        args.random_policies,
    )
    table = compute_table(made)
    cells = cost_table({TUNE: made.adaptations, EVALUATE: made.evaluations})
    write_csv(args.out / "compute.csv", table)
    write_csv(args.out / "compute_cells.csv", cells)
    stages = compute_markdown(table, settings.run)
    text = f"# What the run cost\n\n{stages}\n{cost_markdown(cells)}"
    write_text(args.out / "compute.md", text)
    write_page(args.out / "pages" / "compute.html", "Compute", from_markdown(text))


def write_record(args: argparse.Namespace, settings: ReportSettings) -> None:
    """Write the report's provenance: configuration, code, libraries, machine and files."""
    from trajprompt.artifacts.atomic import write_text
    from trajprompt.artifacts.provenance import provenance
    from trajprompt.artifacts.records import REPORT_RECORD
    from trajprompt.config.cells import videos
    from trajprompt.report.pages.html import write_page
    from trajprompt.report.pages.record import run_record
    from trajprompt.report.pages.summary import record_page, summary, to_csv

    attributes = provenance("report", args.run_config, args.inputs)
    missing = set(videos(args.run_config)) - {path.stem for path in args.outputs}
    lines = summary(args.run_config, attributes, args.outputs, sorted(missing))
    short, page = args.out / "summary.csv", args.out / "pages" / "record.html"
    write_text(short, to_csv(lines))
    write_page(page, "What made it", record_page(lines, args.run_config, attributes))
    path = args.out / REPORT_RECORD
    write_text(path, run_record(attributes, path, [*args.outputs, short, page]))


OUT = _folder("--out", REPORT)
OF_STAGE_4 = "evaluations of stage 4 (.csv) of all cells; returns are sums of rewards"
EVALUATIONS = _files("--evaluations", "FILE", OF_STAGE_4)
SUITES_TEXT = "compare only the suites of this published table (default: all suites)"
SUITES_OF: Option = (
    "--suites-of",
    {"metavar": "TABLE", "help": SUITES_TEXT},
)
RANDOM_PLAY = "episodes of `trajprompt random-policy` (.csv), one file per suite"
RANDOM_POLICIES = _files("--random-policies", "FILE", RANDOM_PLAY)
STORES = _files("--stores", "FILE", "trajectories of stage 1 (.h5) of all suites")
CURVES = "training curves of stage 2, …/2_pretrain/<suite>/<backbone>/seed<n>.csv"
PRETRAINING = _files("--pretraining", "FILE", CURVES)
ADAPTATIONS = _files("--adaptations", "FILE", "adaptations of stage 3 (.h5) of all cells")
COUNTED = "adaptations of stage 3 (.h5), one per cell, to count the tuned parameters"
SOME_ADAPTATIONS = _files(
    "--adaptations", "FILE", COUNTED, nargs="*", default=[], required=False
)
TABLE_TEXT = "table to write: a name under tables in the config"
TABLE: Option = ("--table", {"required": True, "help": TABLE_TEXT})
INPUTS = _files("--inputs", "FILE", "all files of stages 1 to 4 and of the papers")
OUTPUTS = _files("--outputs", "FILE", "all files of the report except its record")
RUN_CONFIG: Option = (
    "--run-config",
    {
        "required": True,
        "type": _configuration,
        "metavar": "JSON",
        "help": "complete configuration of the run as one JSON object",
    },
)

JUDGED = [EVALUATIONS, STORES]
MEASURED = [STORES, PRETRAINING, EVALUATIONS, RANDOM_POLICIES, ADAPTATIONS]
COMMANDS: dict[str, tuple[str, Command, list[Option]]] = {
    "table": (
        "write one table, our mean returns beside the published ones",
        write_table,
        [*JUDGED, TABLE, SOME_ADAPTATIONS],
    ),
    "aggregate": (
        "compare all methods over all suites by normalised returns",
        write_aggregate,
        [*JUDGED, RANDOM_POLICIES, SUITES_OF],
    ),
    "curves": (
        "draw the learning curves of collection and pretraining",
        write_curves,
        [STORES, PRETRAINING],
    ),
    "claims": ("write the claims of the papers, each with a verdict", write_claims, JUDGED),
    "compute": (
        "add up time, memory and simulator steps of all stages",
        write_compute,
        MEASURED,
    ),
    "record": (
        "write the configuration, the versions and the hashes of all files",
        write_record,
        [INPUTS, OUTPUTS, RUN_CONFIG],
    ),
}


if __name__ == "__main__":
    raise SystemExit(run_stage(main))
