"""Try options of a tuning method on training tasks, or choose those of a whole run.

Some published step sizes and learning rates hardly move a prompt, and no smoothing is
published. By default the step size and smoothing of methods that rank prompts are swept,
and the learning rate of methods that use gradients; --sweep names other options. Every
choice tunes the same prompts. Its gain is the mean return after tuning minus the mean
return before, on the same fresh episodes.
"""

import argparse
import dataclasses
import importlib
import itertools
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trajprompt.commands.arguments import (
    BACKBONE,
    CELL,
    cell_arguments,
    command_parser,
    read_cell_settings,
    read_stores,
    stores_arguments,
)
from trajprompt.commands.calibration_tasks import on_training_tasks, tasks_argument
from trajprompt.commands.process import run_stage
from trajprompt.errors import TrajpromptError
from trajprompt.settings.stages import TuneSettings

if TYPE_CHECKING:
    from trajprompt.tuning.sweep import Candidate, GridPoint

# option -> values to try for every method that has the option
GRIDS: dict[str, tuple[float, ...]] = {
    # From the published eta up. The largest moves a prompt by about its norm in a
    # paper-size run.
    "step_size": (1e-4, 1e-2, 3e-2, 1e-1, 3e-1),
    "smoothing": (0.03, 0.1, 0.3, 1.0),  # 1.0 is the value in the authors' code
    # From the published rate up. In a laptop-size run the largest lets AdamW move a prompt
    # element by several standard deviations.
    "learning_rate": (1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1),
}

MODES = {  # first argument -> module of commands/, purpose
    "--all": ("calibrate_all", "make the whole calibration: all methods and suites"),
    "--signal": ("calibrate_signal", "measure whether a search can hear its candidates"),
    "--choose": ("calibrate_diff", "print what a preset has differently from the choices"),
}
NOTES = "modes, each with its own --help:\n" + "".join(
    f"  trajprompt calibrate {mode:<9} {text}\n" for mode, (_, text) in MODES.items()
)

EXAMPLE = """--config config.yaml presets/smoke.yaml --suite reach \\
    --condition expert --method ptdt-offline --seed 0 \\
    --sweep step_size=0.01,0.1 smoothing=0.1 \\
    --data results/smoke/1_collect/reach/trajectories.h5 \\
    --backbone-file results/smoke/2_pretrain/reach/prompt-dt/seed0.safetensors \\
    --out sweep.csv"""


def main(argv: Sequence[str] | None = None) -> None:
    given = sys.argv[1:] if argv is None else list(argv)
    if given and given[0] in MODES:
        module = importlib.import_module(f"trajprompt.commands.{MODES[given[0]][0]}")
        module.main(given[1:])
        return
    parser = command_parser("calibrate", __doc__, EXAMPLE, notes=NOTES + "\n")
    cell_arguments(parser)
    stores_arguments(parser)
    for option, text in (
        ("--backbone-file", BACKBONE),
        ("--out", "table to write (.csv): the returns of every choice and task"),
    ):
        parser.add_argument(option, type=Path, required=True, metavar="FILE", help=text)
    tasks_argument(parser)
    parser.add_argument(
        "--sweep",
        nargs="+",
        type=swept_values,
        metavar="OPTION=VALUE[,VALUE...]",
        help="values to try, in all combinations; a single value sets an option"
        f" (default: grids of {', '.join(GRIDS)}, where the method has them)",
    )
    parser.add_argument(
        "--episodes",
        type=int,
        default=20,
        help="number of fresh episodes per prompt (default: 20)",
    )
    args = parser.parse_args(given)
    run(read_cell_settings(args, TuneSettings), args)


def run(settings: TuneSettings, args: argparse.Namespace) -> None:
    """Sweep the grid; write the returns of all rows and print a line per setting."""
    import pandas as pd

    from trajprompt.artifacts.atomic import write_text
    from trajprompt.artifacts.csv_files import csv_text
    from trajprompt.artifacts.provenance import provenance
    from trajprompt.artifacts.records import write_record
    from trajprompt.artifacts.resources import write_resources
    from trajprompt.commands.tune import OPTION_REMEDY, prepare
    from trajprompt.settings.options import parse_options
    from trajprompt.tuning.registry import get_method
    from trajprompt.tuning.sweep import rows_of, sweep

    training = on_training_tasks(settings, args.tasks)
    method = get_method(settings.kind)
    where = f"methods.{settings.method}.options"
    parse_options(method.options, settings.options, where, OPTION_REMEDY)
    grid = grid_points(settings.method, method.options, args.sweep)
    candidates = [candidate(method.options, settings.options, point) for point in grid]
    problem = prepare(training, read_stores(args), args.backbone_file)
    resets = (settings.run_seed, settings.seed)
    trials = sweep(problem, method, candidates, args.episodes, resets)
    cell = {
        **{name: getattr(settings, name) for name in (*CELL, "seed")},
        "same_tasks": int(same_tasks(settings)),
    }
    rows = [cell | row for row in rows_of(trials, problem.rows, problem.prompts)]
    write_text(args.out, csv_text(list(rows[0]), rows))
    described = {**dataclasses.asdict(training), "grid": grid, "episodes": args.episodes}
    inputs = [*read_stores(args).files, args.backbone_file]
    write_record(provenance("calibrate", described, inputs), args.out)
    write_resources(args.out)
    shown = ["initial", "gain", "action_change", "displacement"]
    table = pd.DataFrame(rows).groupby(["setting", *grid[0]], sort=False)[shown].mean()
    print(table.reset_index().to_string(index=False, float_format="{:.4g}".format))


def same_tasks(settings: TuneSettings) -> bool:
    """True if a test task of the suite is also a training task."""
    return bool({*settings.train_tasks} & {*settings.test_tasks})


def swept_values(text: str) -> tuple[str, list[Any]]:
    """Option and values from ``option=value,value``; the values are checked later."""
    name, _, values = text.partition("=")
    if not (name and values):
        raise argparse.ArgumentTypeError(
            f"'{text}' is not OPTION=VALUE[,VALUE...]; write e.g. step_size=0.01,0.1"
        )
    return name, [_value(value) for value in values.split(",")]


def _value(text: str) -> Any:
    """JSON number, true, false or null; any other text as a string."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def grid_points(
    name: str, options: type, sweep: Sequence[tuple[str, list[Any]]] | None
) -> list["GridPoint"]:
    """All combinations of the values to try, for the method ``name``.

    Raises TrajpromptError if an option is repeated or there is nothing to sweep.
    """
    known = {item.name for item in dataclasses.fields(options)}
    defaults = [(option, grid) for option, grid in GRIDS.items() if option in known]
    swept: dict[str, Sequence[Any]] = dict(sweep or defaults)
    if len(swept) < len(sweep or defaults):
        options_given = ", ".join(option for option, _ in sweep or defaults)
        found = f"found a repeated option among {options_given}"
        remedy = "give all values of an option together, e.g. step_size=0.01,0.1"
        raise TrajpromptError("--sweep", found, "each option once", remedy)
    if not swept:
        expected = f"a method with at least one of the options {', '.join(GRIDS)}"
        names = sorted(i.name for i in dataclasses.fields(options) if not _nested(i))
        choice = f"name some of its options with --sweep: {', '.join(names)}"
        remedy = choice if names else "choose another method: this one has no options"
        raise TrajpromptError("--method", f"found {name}", expected, remedy)
    return [
        dict(zip(swept, values, strict=True))
        for values in itertools.product(*swept.values())
    ]


def _nested(item: "dataclasses.Field[Any]") -> bool:
    """True if the option contains the options of another method, calibrated separately."""
    return dataclasses.is_dataclass(item.default_factory)


def candidate(kind: type, configured: dict[str, Any], choice: "GridPoint") -> "Candidate":
    """A choice and the method's options with it; TrajpromptError for a wrong value."""
    from trajprompt.settings.options import OptionError, build

    try:
        return choice, build((kind,), {**configured, **choice})[0]
    except OptionError as error:
        values = " ".join(f"{name}={value}" for name, value in choice.items())
        where = f"--sweep {values}: {error.name or 'options'}"
        remedy = "correct --sweep, or the options of the method in the config"
        found = f"found {error.found}"
        raise TrajpromptError(where, found, error.expected, remedy) from error


if __name__ == "__main__":
    raise SystemExit(run_stage(main))
