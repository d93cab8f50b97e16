"""Stage 5, report: ``python -m trajprompt.report table1 --evaluations … --out FOLDER``.

Every command writes into the folder ``--out``: tables into tables/, figures into figures/.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from trajprompt.errors import run_stage
from trajprompt.settings import ReportSettings, read_settings, stage_arguments

if TYPE_CHECKING:
    import pandas as pd

PUBLISHED = [
    Path("published/ptdt_table1.csv"),
    Path("published/prompt_diffuser_table1.csv"),
]
EVALUATIONS = ("--evaluations", "CSV", "evaluations of every cell of the table")
STORES = ("--stores", "H5", "trajectory stores of the run's suites")
PRETRAINING = (
    "--pretraining",
    "CSV",
    "curves …/2_pretrain/<suite>/<backbone>/seed<n>.csv",
)
ADAPTATIONS = ("--adaptations", "H5", "tuned prompts of every cell")
INPUTS = ("--inputs", "FILE", "all that the stages before made, and the papers' figures")
OUTPUTS = ("--outputs", "FILE", "all of the report but its record")


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="trajprompt report", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, (text, run, options) in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text)
        for option, metavar, meaning in options:
            command.add_argument(
                option, nargs="+", type=Path, metavar=metavar, help=meaning, required=True
            )
        command.add_argument("--out", type=Path, required=True, help="folder of the report")
        stage_arguments(command)
        command.set_defaults(run=run)
        if name in ("table1", "claims"):
            command.add_argument("--published", nargs="+", type=Path, default=PUBLISHED)
        if name == "claims":
            command.add_argument(
                "--claims", type=Path, default=Path("published/claims.yaml")
            )
        if name == "figure5":
            command.add_argument(
                "--curves", nargs="+", default=["ptdt-offline", "ptdt-online"]
            )
            command.add_argument("--untuned", default="prompt-dt", help="column id")
        if name == "compute":
            for folder in ("--benchmarks", "--logs"):
                command.add_argument(folder, type=Path, required=True, metavar="FOLDER")
        if name == "record":
            command.add_argument("--run-config", type=json.loads, required=True)
    args = parser.parse_args(argv)
    args.run(args, read_settings(args, ReportSettings))


def write_table1(args: argparse.Namespace, settings: ReportSettings) -> None:
    """Table 1 for ``last`` and ``best``, the table per task behind it, and its picture."""
    from trajprompt.artifacts import write_text
    from trajprompt.report.figures import draw_table1
    from trajprompt.report.markdown import table1_markdown, task_markdown
    from trajprompt.report.run import load_run
    from trajprompt.report.tables import table1, task_table

    run = load_run(settings, args.evaluations, args.stores, args.published)
    tables = args.out / "tables"
    for checkpoint, name in (("last", "table1"), ("best", "table1_best")):
        table = table1(run, checkpoint)
        _write_csv(tables / f"{name}.csv", table)
        write_text(tables / f"{name}.md", table1_markdown(table, run, checkpoint))
    per_task = task_table(run)
    _write_csv(tables / "table1_tasks.csv", per_task)
    write_text(tables / "table1_tasks.md", task_markdown(per_task))
    draw_table1(table1(run), run, args.out / "figures" / "table1")


def write_figure5(args: argparse.Namespace, settings: ReportSettings) -> None:
    """Return against oracle queries while a prompt is tuned, online and offline."""
    from trajprompt.report.figures import curve_table, draw_curves
    from trajprompt.report.run import load_run

    run = load_run(settings, args.evaluations)
    table = curve_table(run, args.curves, args.untuned)
    _write_csv(args.out / "tables" / "figure5.csv", table)
    draw_curves(table, run, args.untuned, args.out / "figures" / "figure5")


def write_curves(args: argparse.Namespace, settings: ReportSettings) -> None:
    """How the data's agents and the backbones learned."""
    from trajprompt.report import learning

    figures = args.out / "figures"
    collected = learning.collection_table(args.stores)
    _write_csv(args.out / "tables" / "collection.csv", collected)
    learning.draw_collection(collected, figures / "collection")
    pretrained = learning.pretraining_table(args.pretraining)
    _write_csv(args.out / "tables" / "pretraining.csv", pretrained)
    learning.draw_pretraining(pretrained, figures / "pretraining")


def write_claims(args: argparse.Namespace, settings: ReportSettings) -> None:
    """The papers' claims with a verdict each."""
    from trajprompt.artifacts import write_text
    from trajprompt.report.claims import claims_markdown, judge, read_claims
    from trajprompt.report.run import load_run

    claims = read_claims(args.claims)
    run = load_run(settings, args.evaluations, args.stores, args.published)
    table = judge(claims, run)
    _write_csv(args.out / "claims.csv", table)
    write_text(args.out / "claims.md", claims_markdown(claims, table, run))


def write_compute(args: argparse.Namespace, settings: ReportSettings) -> None:
    """Time, memory and simulator steps of every stage."""
    from trajprompt.artifacts import write_text
    from trajprompt.report import compute

    made = compute.Artifacts(
        args.stores, args.pretraining, args.adaptations, args.evaluations
    )
    table = compute.compute_table(compute.Folders(args.benchmarks, args.logs), made)
    _write_csv(args.out / "compute.csv", table)
    write_text(args.out / "compute.md", compute.compute_markdown(table, settings.run))


def write_record(args: argparse.Namespace, settings: ReportSettings) -> None:
    """Configuration, code, libraries and machine behind the report, and all its files."""
    from trajprompt.artifacts import write_text
    from trajprompt.records import REPORT_RECORD
    from trajprompt.report.record import run_record

    path = args.out / REPORT_RECORD
    write_text(path, run_record(args.run_config, args.inputs, path, args.outputs))


def _write_csv(path: Path, table: "pd.DataFrame") -> None:
    """Numbers to six significant digits: enough to compute with, few enough to read."""
    from trajprompt.artifacts import write_text

    write_text(path, table.to_csv(index=False, float_format="%.6g", lineterminator="\n"))


COMMANDS = {
    "table1": ("Table 1, ours beside published", write_table1, [EVALUATIONS, STORES]),
    "figure5": ("Figure 5, return against queries", write_figure5, [EVALUATIONS]),
    "curves": (
        "learning curves of collection and pretraining",
        write_curves,
        [STORES, PRETRAINING],
    ),
    "claims": ("the papers' claims with verdicts", write_claims, [EVALUATIONS, STORES]),
    "compute": (
        "time, memory and simulator steps",
        write_compute,
        [STORES, PRETRAINING, EVALUATIONS, ADAPTATIONS],
    ),
    "record": ("what made the report", write_record, [INPUTS, OUTPUTS]),
}


if __name__ == "__main__":
    raise SystemExit(run_stage(main))
