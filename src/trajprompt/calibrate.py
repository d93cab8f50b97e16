"""Choose the step sizes of a tuning method on TRAINING tasks.

The papers give step sizes and learning rates that hardly move a prompt, and no smoothing,
so they have to be swept: step size and smoothing of the methods that rank prompts, the
learning rate of those that follow a gradient. Every choice tunes the same prompts; its gain
is their mean return afterwards minus that before on the same fresh resets.
"""

import argparse
import dataclasses
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trajprompt.errors import TrajpromptError, run_stage
from trajprompt.settings import (
    TuneSettings,
    cell_arguments,
    read_cell_settings,
    stage_parser,
)

if TYPE_CHECKING:
    from trajprompt.tuning.sweep import Choice, Trial

# Around the literal eta (first) and the mu of the authors' code (last); the largest
# eta moves a prompt by about its own norm in a paper-size run.
STEP_SIZES = (1e-4, 1e-2, 3e-2, 1e-1, 3e-1)
SMOOTHINGS = (0.03, 0.1, 0.3, 1.0)
# From the literal rate of soft prompts and fine-tuning to where AdamW moves a number by
# several deviations in a laptop-size run.
LEARNING_RATES = (1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)

EXAMPLE = """--config config.yaml presets/smoke.yaml --suite reach \\
    --setting expert --method ptdt-offline --seed 0 \\
    --step-sizes 0.01 0.1 --smoothings 0.1 \\
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
    parser.add_argument("--step-sizes", type=float, nargs="+", default=STEP_SIZES)
    parser.add_argument("--smoothings", type=float, nargs="+", default=SMOOTHINGS)
    parser.add_argument("--learning-rates", type=float, nargs="+", default=LEARNING_RATES)
    parser.add_argument("--iterations", type=int, help="instead of the method's own")
    parser.add_argument(
        "--steps-per-iteration", type=int, help="instead of the method's own"
    )
    parser.add_argument("--episodes", type=int, default=8, help="fresh episodes per prompt")
    args = parser.parse_args(argv)
    run(read_cell_settings(args, TuneSettings), args)


def run(settings: TuneSettings, args: argparse.Namespace) -> None:
    """Sweep the grid, print and write its table, name the best choice."""
    from trajprompt.artifacts import write_text
    from trajprompt.options import parse_options
    from trajprompt.provenance import provenance
    from trajprompt.records import write_record
    from trajprompt.tasks.suites import get_suite
    from trajprompt.tune import prepare
    from trajprompt.tuning.protocol import get_method
    from trajprompt.tuning.sweep import best, header, line, sweep, to_csv

    suite = get_suite(settings.suite)
    tasks = args.tasks or _spread(suite.train_tasks, 4)
    for task in tasks:
        if task not in suite.train_tasks:
            expected = f"training tasks: {', '.join(map(str, suite.train_tasks))}"
            raise TrajpromptError("--tasks", f"task {task}", expected)
    method = get_method(settings.kind)
    changed = {
        name: getattr(args, name)
        for name in ("iterations", "steps_per_iteration")
        if getattr(args, name) is not None
    }
    where = f"tune.methods.{settings.method}.options"
    options: Any = parse_options(method.options, {**settings.options, **changed}, where)
    grid = _grid(settings.method, options, args)
    others = _others(settings.train_tasks, tasks)
    training = dataclasses.replace(settings, test_tasks=tuple(tasks), train_tasks=others)
    problem = prepare(training, args.data, args.backbone_file)
    resets = (settings.run_seed, settings.seed)
    trials: list[Trial] = []
    for trial in sweep(problem, method, options, grid, args.episodes, resets):
        if not trials:
            print(header(trial))
        trials.append(trial)
        print(line(trial), flush=True)
    write_text(args.out, to_csv(trials))
    described = {**dataclasses.asdict(training), "options": vars(options), "grid": grid}
    inputs = [args.data, args.backbone_file]
    write_record(provenance("calibrate", described, inputs), args.out)
    chosen = best(trials).choice
    print("best: " + ", ".join(f"{name} {value:g}" for name, value in chosen.items()))


def _grid(name: str, options: Any, args: argparse.Namespace) -> list["Choice"]:
    """Every combination of the values to try of the options that the method has."""
    ranking = {"step_size": args.step_sizes, "smoothing": args.smoothings}
    for swept in (ranking, {"learning_rate": args.learning_rates}):
        if all(hasattr(options, option) for option in swept):
            return [
                dict(zip(swept, values, strict=True))
                for values in itertools.product(*swept.values())
            ]
    expected = "a method that ranks prompts or follows a gradient"
    raise TrajpromptError("--method", name, expected)


def _others(train: Sequence[int], tuned: Sequence[int]) -> tuple[int, ...]:
    """What a method may learn from as from training tasks: none of those it is tuned on.

    All of them where none would be left (cheetah-dir has two, which are its test tasks).
    """
    return tuple(task for task in train if task not in tuned) or tuple(train)


def _spread(tasks: Sequence[int], count: int) -> list[int]:
    """Up to ``count`` of ``tasks``, evenly spread over the list, its ends included."""
    if len(tasks) <= count:
        return list(tasks)
    return [tasks[round(i * (len(tasks) - 1) / (count - 1))] for i in range(count)]


if __name__ == "__main__":
    raise SystemExit(run_stage(main, usage=True))
