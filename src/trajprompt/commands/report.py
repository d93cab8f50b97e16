"""Stage 5: write one part of the report of a run.

`trajprompt report PART --help` explains the files that a part needs and has an example.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from trajprompt.commands import report_parts, report_verdicts
from trajprompt.commands.arguments import (
    REPORT,
    command_parser,
    read_settings,
    stage_arguments,
)
from trajprompt.commands.process import run_stage
from trajprompt.settings.stages import ReportSettings

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
    "variance": f"{RUN}{EVALUATIONS_OF_RUN}{STORES_OF_RUN}{RANDOM_OF_RUN}",
    "episodes": f"{RUN}{EVALUATIONS_OF_RUN}{RANDOM_OF_RUN}",
    "curves": f"{RUN}{STORES_OF_RUN}{PRETRAINING_OF_RUN}",
    "claims": f"{RUN}{EVALUATIONS_OF_RUN}{STORES_OF_RUN}{RANDOM_OF_RUN}"
    f"{ADAPTATIONS_OF_RUN}{PRETRAINING_OF_RUN}",
    "opening": f"{RUN} --claims results/smoke/5_report/claims.csv",
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
SOME: dict[str, Any] = {"nargs": "*", "default": [], "required": False}
SOME_PRETRAINING = _files("--pretraining", "FILE", CURVES, **SOME)
OFFLINE_TEXT = "curves of `trajprompt learn`, …/2_pretrain/<suite>/<algorithm>/seed<n>.csv"
OFFLINE = _files("--offline", "FILE", OFFLINE_TEXT, **SOME)
ADAPTATIONS = _files("--adaptations", "FILE", "adaptations of stage 3 (.h5) of all cells")
COUNTED = (
    "adaptations of stage 3 (.h5), one per cell, to count tuned parameters and the budget"
)
SOME_ADAPTATIONS = _files("--adaptations", "FILE", COUNTED, **SOME)
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

CLAIMS: Option = (
    "--claims",
    {
        "required": True,
        "type": Path,
        "metavar": "FILE",
        "help": "table of all verdicts, written by `trajprompt report claims`",
    },
)

JUDGED = [EVALUATIONS, STORES]
TEACHERS = _files("--teachers", "FILE", "policies of `trajprompt teach`", **SOME)
MEASURED = [TEACHERS, STORES, PRETRAINING, EVALUATIONS, RANDOM_POLICIES, ADAPTATIONS]
COMMANDS: dict[str, tuple[str, Command, list[Option]]] = {
    "table": (
        "write one table, our mean returns beside the published ones",
        report_parts.write_table,
        [*JUDGED, TABLE, SOME_ADAPTATIONS],
    ),
    "aggregate": (
        "compare all methods over all suites by normalised returns",
        report_parts.write_aggregate,
        [*JUDGED, RANDOM_POLICIES, SUITES_OF],
    ),
    "variance": (
        "write the variance by seeds, tasks and episodes, and what is left to gain",
        report_parts.write_variance,
        [*JUDGED, RANDOM_POLICIES],
    ),
    "episodes": (
        "write all evaluation episodes as one compressed table",
        report_parts.write_episodes,
        [EVALUATIONS, RANDOM_POLICIES],
    ),
    "curves": (
        "draw the learning curves of collection, teachers, pretraining, offline algorithms",
        report_parts.write_curves,
        [STORES, TEACHERS, SOME_PRETRAINING, OFFLINE],
    ),
    "claims": (
        "write the claims of the papers, each with a verdict, and the run's power",
        report_verdicts.write_claims,
        [*JUDGED, RANDOM_POLICIES, SOME_ADAPTATIONS, SOME_PRETRAINING, OFFLINE],
    ),
    "opening": (
        "draw the primary contrasts, and write the opening of the HTML report",
        report_verdicts.write_opening,
        [CLAIMS],
    ),
    "compute": (
        "add up time, memory and simulator steps of all stages",
        report_parts.write_compute,
        MEASURED,
    ),
    "record": (
        "write the configuration, the versions and the hashes of all files",
        report_parts.write_record,
        [INPUTS, OUTPUTS, RUN_CONFIG],
    ),
}


if __name__ == "__main__":
    raise SystemExit(run_stage(main))
