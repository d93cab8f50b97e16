"""Choose a setting of every method on every suite from the calibration's sweeps.

Writes calibration.csv (all settings), choices.yaml (suite, method, options), signal.csv,
headroom.csv, calibration.md and the figure calibration into one folder.
docs/calibration.md has the rule.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trajprompt.commands.arguments import command_parser
from trajprompt.commands.process import run_stage
from trajprompt.errors import TrajpromptError

if TYPE_CHECKING:
    import pandas as pd

    from trajprompt.config.calibration import MethodGrid

MAIN = tuple(f"calibration.{suffix}" for suffix in ("csv", "md", "png", "svg"))
EXAMPLE = """--plan papers/calibration.yaml --out calibration \\
    --sweeps results/calibration/6_calibrate/*/*/seed*.csv \\
    --signals results/calibration/6_calibrate/*/signal/*/seed*.csv \\
    --data results/calibration/1_collect/*/trajectories.h5"""


def main(argv: Sequence[str] | None = None) -> None:
    parser = command_parser("calibrate_choose", __doc__, EXAMPLE)
    files: dict[str, Any] = {"type": Path, "metavar": "FILE", "nargs": "+"}
    text = "what was tried: calibration.yaml of the papers"
    parser.add_argument("--plan", type=Path, required=True, metavar="FILE", help=text)
    parser.add_argument("--sweeps", required=True, help="tables of the sweeps", **files)
    parser.add_argument("--signals", required=True, help="tables of signals", **files)
    text = "trajectories of every suite"
    parser.add_argument("--data", required=True, help=text, **files)
    text = "folder to write into"
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help=text)
    run(parser.parse_args(argv))


def run(args: argparse.Namespace) -> None:
    """Judge all sweeps; write the tables, the choices and the figure."""
    import pandas as pd

    from trajprompt.artifacts.atomic import write_text
    from trajprompt.artifacts.csv_files import write_csv
    from trajprompt.artifacts.provenance import provenance
    from trajprompt.artifacts.records import write_record
    from trajprompt.config.calibration import read_plan
    from trajprompt.report.numbers.calibration import headroom
    from trajprompt.report.numbers.signal import summarise
    from trajprompt.report.pages.calibration import choices_yaml, markdown
    from trajprompt.report.plots.calibration import draw
    from trajprompt.report.read.baselines import read_teacher, store_suite
    from trajprompt.report.read.calibration import read_signals, read_sweeps

    plan = read_plan(args.plan.parent)
    sweeps = read_sweeps(args.sweeps)
    tables = [
        cell_table(suite, method, rows, plan.methods[method])
        for (suite, method), rows in sorted(sweeps.items())
    ]
    table = pd.concat(tables, ignore_index=True)
    signal = summarise(read_signals(args.signals))
    data = {store_suite(path): path for path in args.data}
    # Sweeps have returns, on D4RL's suites too.
    left = headroom(sweeps, lambda suite, tasks: read_teacher(data[suite], tasks, raw=True))
    write_csv(args.out / "calibration.csv", table)
    write_csv(args.out / "signal.csv", signal)
    write_csv(args.out / "headroom.csv", left)
    write_text(args.out / "choices.yaml", choices_yaml(table))
    write_text(args.out / "calibration.md", markdown(table, signal, left))
    draw(table, args.out / "calibration")
    names = (*MAIN, "choices.yaml", "signal.csv", "headroom.csv")
    outputs = [args.out / name for name in names]
    settings = {"run": args.out.parent.name, "plan": plan.model_dump()}
    inputs = [args.plan, *args.sweeps, *args.signals, *args.data]
    write_record(provenance("calibrate", settings, inputs), *outputs)


def cell_table(
    suite: str, method: str, rows: "pd.DataFrame", grid: "MethodGrid"
) -> "pd.DataFrame":
    """Judged settings of one method on one suite, with what they cost.

    Raises TrajpromptError if the rows are of other settings than the plan's.
    """
    import json

    import pandas as pd

    from trajprompt.report.numbers.calibration import judge

    settings = grid.settings
    _require_settings(f"{suite} {method}", rows, settings)
    table = judge(rows, settings, grid.paper, grid.distance)
    cell = {"suite": suite, "method": method, "condition": rows["condition"].iloc[0]}
    for place, (name, value) in enumerate(cell.items()):
        table.insert(place, name, value)
    table.insert(3, "options", [json.dumps(setting) for setting in settings])
    ends = pd.Series([grid.at_end(setting) for setting in settings])
    table["edge"] = table["best"] & ends
    table["same_tasks"] = bool(rows["same_tasks"].iloc[0])
    table["initial"] = rows["initial"].mean()
    table["backbones"] = rows["seed"].nunique()
    table["tasks"] = rows["task"].nunique()
    by_setting = rows.groupby("setting")
    for name in ("tuning_episodes", "contexts"):  # per prompt
        table[name] = by_setting[name].first()
    spent = rows["tuning_episodes"] + rows["evaluation_episodes"]
    table["calibration_episodes"] = spent.groupby(rows["setting"]).sum()
    return table


def _require_settings(
    where: str, rows: "pd.DataFrame", settings: Sequence[dict[str, Any]]
) -> None:
    """Raise unless the rows' options are those of the plan's settings."""
    for number, setting in enumerate(settings):
        of_setting = rows[rows["setting"] == number]
        same = [
            option in rows and len(of_setting) and (of_setting[option] == value).all()
            for option, value in setting.items()
        ]
        if not all(same):
            found = f"found another setting {number} than {setting}"
            expected, remedy = "the plan's", "run `trajprompt calibrate --all` again"
            raise TrajpromptError(where, found, expected, remedy)


if __name__ == "__main__":
    raise SystemExit(run_stage(main))
