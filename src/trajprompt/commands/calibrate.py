"""Choose the step size or other options of a tuning method, on training tasks only.

The published step sizes and learning rates hardly move a prompt, and no smoothing is
published. By default the step size and smoothing of methods that rank prompts are swept,
and the learning rate of methods that use gradients; --sweep names other options. Every
choice tunes the same prompts. Its gain is the mean return after tuning minus the mean
return before, on the same fresh episodes.
"""

import argparse
import dataclasses
import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trajprompt.commands.arguments import (
    BACKBONE,
    TRAJECTORIES,
    cell_arguments,
    command_parser,
    read_cell_settings,
)
from trajprompt.commands.process import run_stage
from trajprompt.errors import TrajpromptError
from trajprompt.settings.stages import TuneSettings

if TYPE_CHECKING:
    from trajprompt.tuning.sweep import Candidate, GridPoint, Trial

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

EXAMPLE = """--config config.yaml presets/smoke.yaml --suite reach \\
    --condition expert --method ptdt-offline --seed 0 \\
    --sweep step_size=0.01,0.1 smoothing=0.1 \\
    --data results/smoke/1_collect/reach/trajectories.h5 \\
    --backbone-file results/smoke/2_pretrain/reach/prompt-dt/seed0.safetensors \\
    --out sweep.csv"""


def main(argv: Sequence[str] | None = None) -> None:
    parser = command_parser("calibrate", __doc__, EXAMPLE)
    cell_arguments(parser)
    for option, text in (
        ("--data", TRAJECTORIES),
        ("--backbone-file", BACKBONE),
        ("--out", "table to write (.csv): the mean returns and gain of every choice"),
    ):
        parser.add_argument(option, type=Path, required=True, metavar="FILE", help=text)
    parser.add_argument(
        "--tasks",
        type=int,
        nargs="+",
        metavar="TASK",
        help="indices of training tasks to tune on (default: four, evenly spread)",
    )
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
        default=8,
        help="number of fresh episodes per prompt (default: 8)",
    )
    args = parser.parse_args(argv)
    run(read_cell_settings(args, TuneSettings), args)


def run(settings: TuneSettings, args: argparse.Namespace) -> None:
    """Sweep the grid, print and write its table, and print the best choice."""
    from trajprompt.artifacts.atomic import write_text
    from trajprompt.artifacts.provenance import provenance
    from trajprompt.artifacts.records import write_record
    from trajprompt.artifacts.resources import write_resources
    from trajprompt.commands.tune import OPTION_REMEDY, prepare
    from trajprompt.settings.options import parse_options
    from trajprompt.tasks.registry import get_suite
    from trajprompt.tuning.registry import get_method
    from trajprompt.tuning.sweep import best, header, line, sweep, to_csv

    suite = get_suite(settings.suite)
    tasks = args.tasks or spread(suite.train_tasks, 4)
    for task in tasks:
        if task not in suite.train_tasks:
            known = ", ".join(map(str, suite.train_tasks))
            expected = f"only training tasks of {suite.name}: {known}"
            remedy = "give other --tasks"
            raise TrajpromptError("--tasks", f"found task {task}", expected, remedy)
    method = get_method(settings.kind)
    where = f"methods.{settings.method}.options"
    parse_options(method.options, settings.options, where, OPTION_REMEDY)
    grid = grid_points(settings.method, method.options, args.sweep)
    candidates = [candidate(method.options, settings.options, point) for point in grid]
    others = other_tasks(settings.train_tasks, tasks)
    training = dataclasses.replace(settings, test_tasks=tuple(tasks), train_tasks=others)
    problem = prepare(training, args.data, args.backbone_file)
    resets = (settings.run_seed, settings.seed)
    trials: list[Trial] = []
    for trial in sweep(problem, method, candidates, args.episodes, resets):
        if not trials:
            print(header(trial))
        trials.append(trial)
        print(line(trial), flush=True)
    write_text(args.out, to_csv(trials))
    described = {**dataclasses.asdict(training), "grid": grid}
    inputs = [args.data, args.backbone_file]
    write_record(provenance("calibrate", described, inputs), args.out)
    write_resources(args.out)
    chosen = best(trials).choice
    print("best: " + ", ".join(f"{name} {value}" for name, value in chosen.items()))


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


def other_tasks(train: Sequence[int], tuned: Sequence[int]) -> tuple[int, ...]:
    """Training tasks without the tuned ones, for methods that learn from training tasks.

    All training tasks if none would be left, as for cheetah-dir with its two tasks.
    """
    return tuple(task for task in train if task not in tuned) or tuple(train)


def spread(tasks: Sequence[int], count: int) -> list[int]:
    """Up to ``count`` of ``tasks``, evenly spread over the list, including both ends."""
    if len(tasks) <= count:
        return list(tasks)
    return [tasks[round(i * (len(tasks) - 1) / (count - 1))] for i in range(count)]


if __name__ == "__main__":
    raise SystemExit(run_stage(main))
