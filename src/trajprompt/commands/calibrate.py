"""Choose the step sizes or other options of a tuning method on TRAINING tasks.

The papers give step sizes and learning rates that hardly move a prompt, and no smoothing,
so they have to be swept: by default step size and smoothing of the methods that rank
prompts, the learning rate of those that follow a gradient; with --sweep any options. Every
choice tunes the same prompts; its gain is their mean return afterwards minus that before on
the same fresh resets.
"""

import argparse
import dataclasses
import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trajprompt.commands.arguments import cell_arguments, read_cell_settings, stage_parser
from trajprompt.commands.process import run_stage
from trajprompt.errors import TrajpromptError
from trajprompt.settings.stages import TuneSettings

if TYPE_CHECKING:
    from trajprompt.tuning.sweep import Candidate, GridPoint, Trial

# option -> values that are tried of every method that has it
GRIDS: dict[str, tuple[float, ...]] = {
    # Around the literal eta (first); the largest moves a prompt by about its own norm in a
    # paper-size run.
    "step_size": (1e-4, 1e-2, 3e-2, 1e-1, 3e-1),
    "smoothing": (0.03, 0.1, 0.3, 1.0),  # the last is that of the authors' code
    # From the literal rate of all methods that have one to where AdamW moves a number of a
    # prompt by several deviations in a laptop-size run.
    "learning_rate": (1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1),
}

EXAMPLE = """--config config.yaml presets/smoke.yaml --suite reach \\
    --condition expert --method ptdt-offline --seed 0 \\
    --sweep step_size=0.01,0.1 smoothing=0.1 \\
    --data results/smoke/1_collect/reach/trajectories.h5 \\
    --backbone-file results/smoke/2_pretrain/reach/prompt-dt/seed0.safetensors \\
    --out pairs.csv"""


def main(argv: Sequence[str] | None = None) -> None:
    parser = stage_parser("calibrate", __doc__, EXAMPLE)
    cell_arguments(parser)
    parser.add_argument("--data", type=Path, required=True, help="trajectories (.h5)")
    parser.add_argument("--backbone-file", type=Path, required=True, help=".safetensors")
    parser.add_argument("--out", type=Path, required=True, help="table (.csv)")
    parser.add_argument("--tasks", type=int, nargs="+", help="training tasks (default: 4)")
    parser.add_argument(
        "--sweep",
        nargs="+",
        type=swept_values,
        metavar="OPTION=VALUE[,VALUE...]",
        help="options of the method to try all combinations of; one value sets an option"
        f" (default: those of {', '.join(GRIDS)} that the method has)",
    )
    parser.add_argument("--episodes", type=int, default=8, help="fresh episodes per prompt")
    args = parser.parse_args(argv)
    run(read_cell_settings(args, TuneSettings), args)


def run(settings: TuneSettings, args: argparse.Namespace) -> None:
    """Sweep the grid, print and write its table, name the best choice."""
    from trajprompt.artifacts.atomic import write_text
    from trajprompt.artifacts.provenance import provenance
    from trajprompt.artifacts.records import write_record
    from trajprompt.artifacts.resources import write_resources
    from trajprompt.commands.tune import prepare
    from trajprompt.settings.options import parse_options
    from trajprompt.tasks.registry import get_suite
    from trajprompt.tuning.registry import get_method
    from trajprompt.tuning.sweep import best, header, line, sweep, to_csv

    suite = get_suite(settings.suite)
    tasks = args.tasks or spread(suite.train_tasks, 4)
    for task in tasks:
        if task not in suite.train_tasks:
            expected = f"training tasks: {', '.join(map(str, suite.train_tasks))}"
            raise TrajpromptError("--tasks", f"task {task}", expected)
    method = get_method(settings.kind)
    where = f"methods.{settings.method}.options"
    parse_options(method.options, settings.options, where)
    grid = grid_points(settings.method, method.options, args.sweep)
    candidates = [candidate(method.options, settings.options, own) for own in grid]
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
    """An option and its values from ``option=value,value``; they are checked later."""
    name, _, values = text.partition("=")
    if not (name and values):
        raise argparse.ArgumentTypeError(f"'{text}' is not OPTION=VALUE[,VALUE...]")
    return name, [_value(value) for value in values.split(",")]


def _value(text: str) -> Any:
    """A number, true, false or null as in JSON; anything else is a text."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def grid_points(
    name: str, options: type, sweep: Sequence[tuple[str, list[Any]]] | None
) -> list["GridPoint"]:
    """Every combination of the values to try."""
    known = {item.name for item in dataclasses.fields(options)}
    defaults = [(option, grid) for option, grid in GRIDS.items() if option in known]
    swept: dict[str, Sequence[Any]] = dict(sweep or defaults)
    if len(swept) < len(sweep or defaults):
        raise TrajpromptError("--sweep", "an option twice", "every option once")
    if not swept:
        expected = f"a method with an option of {', '.join(GRIDS)}"
        plain = sorted(i.name for i in dataclasses.fields(options) if not _nested(i))
        remedy = f"name options by --sweep: {', '.join(plain)}" if plain else ""
        raise TrajpromptError("--method", name, expected, remedy)
    return [
        dict(zip(swept, values, strict=True))
        for values in itertools.product(*swept.values())
    ]


def _nested(item: "dataclasses.Field[Any]") -> bool:
    """Whether the option holds the options of another method, which is swept by itself."""
    return dataclasses.is_dataclass(item.default_factory)


def candidate(kind: type, configured: dict[str, Any], choice: "GridPoint") -> "Candidate":
    """A choice and the method's options with it, which refuse a wrong value."""
    from trajprompt.settings.options import OptionError, build

    try:
        return choice, build((kind,), {**configured, **choice})[0]
    except OptionError as error:
        words = " ".join(f"{name}={value}" for name, value in choice.items())
        found = f"{error.name or 'options'}: {error.found}"
        raise TrajpromptError(f"--sweep {words}", found, error.expected) from error


def other_tasks(train: Sequence[int], tuned: Sequence[int]) -> tuple[int, ...]:
    """What a method may learn from as from training tasks: none of those it is tuned on.

    All of them where none would be left (cheetah-dir has two, which are its test tasks).
    """
    return tuple(task for task in train if task not in tuned) or tuple(train)


def spread(tasks: Sequence[int], count: int) -> list[int]:
    """Up to ``count`` of ``tasks``, evenly spread over the list, its ends included."""
    if len(tasks) <= count:
        return list(tasks)
    return [tasks[round(i * (len(tasks) - 1) / (count - 1))] for i in range(count)]


if __name__ == "__main__":
    raise SystemExit(run_stage(main))
