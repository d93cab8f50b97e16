"""Measure, before any tuning, whether returns tell the prompts around a prompt apart.

Fifteen candidates around each initial prompt are played from several resets. Printed are,
with standard errors over tasks and backbones: the cosine of the rank gradients of two
resets, and the reliability of the returns of one reset (intraclass correlation). Near 1, a
search works with one episode per candidate. Near 0, its steps are a random walk: raise the
smoothing or the episodes per candidate.
"""

import argparse
import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from trajprompt.commands.arguments import (
    BACKBONE,
    CELL,
    command_parser,
    read_settings,
    read_stores,
    stage_arguments,
    stores_arguments,
)
from trajprompt.commands.calibration_tasks import on_training_tasks, tasks_argument
from trajprompt.commands.process import run_stage
from trajprompt.errors import TrajpromptError
from trajprompt.settings.stages import TuneSettings

METHOD = "none"  # the prompts are those that every method starts from
SMOOTHINGS = (0.1, 0.3, 1.0)
RESETS = 5  # ten pairs
EXAMPLE = """--config config.yaml presets/smoke.yaml --suite reach \\
    --condition expert --seed 0 --data results/smoke/1_collect/reach/trajectories.h5 \\
    --backbone-file results/smoke/2_pretrain/reach/prompt-dt/seed0.safetensors"""


def main(argv: Sequence[str] | None = None) -> None:
    args = _parser().parse_args(argv)
    if len(args.seed) != len(args.backbone_file):
        found = f"found {len(args.backbone_file)} files for {len(args.seed)} seeds"
        remedy = "give one file per seed, in the order of the seeds"
        raise TrajpromptError("--backbone-file", found, f"{len(args.seed)}", remedy)
    if args.resets < 2:
        found, expected = f"found {args.resets}", "at least 2"
        raise TrajpromptError("--resets", found, expected, "give more --resets")
    cell = {"suite": args.suite, "condition": args.condition, "method": METHOD}
    run(read_settings(args, TuneSettings, seed=args.seed[0], **cell), args)


def _parser() -> argparse.ArgumentParser:
    parser = command_parser("calibrate --signal", __doc__, EXAMPLE)
    text = "a name under conditions in the config, e.g. expert"
    parser.add_argument("--suite", required=True, help="name of a suite, e.g. ant-dir")
    parser.add_argument("--condition", required=True, help=text)
    text = "seeds of the backbones, e.g. 0 1 2"
    parser.add_argument("--seed", type=int, nargs="+", required=True, help=text)
    file: dict[str, Any] = {"type": Path, "metavar": "FILE"}
    stores_arguments(parser)
    parser.add_argument(
        "--backbone-file",
        nargs="+",
        required=True,
        help=f"{BACKBONE}; one per seed",
        **file,
    )
    parser.add_argument("--out", help="table to write (.csv), a row per task", **file)
    for option, kind, default, text in (
        ("--smoothing", float, SMOOTHINGS, "standard deviations of the candidates"),
        ("--resets", int, RESETS, "resets from which every candidate is played"),
    ):
        several: dict[str, Any] = {"nargs": "+"} if isinstance(default, tuple) else {}
        shown = " ".join(map(str, default)) if isinstance(default, tuple) else default
        text = f"{text} (default: {shown})"
        parser.add_argument(option, type=kind, default=default, help=text, **several)
    tasks_argument(parser)
    stage_arguments(parser)
    return parser


def run(settings: TuneSettings, args: argparse.Namespace) -> None:
    """Measure the signal of every backbone; print the summary, write the rows."""
    import pandas as pd

    from trajprompt.artifacts.atomic import write_text
    from trajprompt.artifacts.csv_files import csv_text
    from trajprompt.artifacts.provenance import provenance
    from trajprompt.artifacts.records import write_record
    from trajprompt.artifacts.resources import write_resources
    from trajprompt.report.numbers.signal import summarise

    rows: list[dict[str, Any]] = []
    for seed, file in zip(args.seed, args.backbone_file, strict=True):
        rows += rows_of(dataclasses.replace(settings, seed=seed), file, args)
    table = summarise(pd.DataFrame(rows))
    print(table.to_string(index=False, float_format="{:.3g}".format))
    if args.out is not None:
        write_text(args.out, csv_text(list(rows[0]), rows))
        described = {
            **dataclasses.asdict(settings),
            "smoothings": list(args.smoothing),
            "resets": args.resets,
            "seeds": list(args.seed),
        }
        inputs = [*read_stores(args).files, *args.backbone_file]
        write_record(provenance("calibrate", described, inputs), args.out)
        write_resources(args.out)


def rows_of(
    settings: TuneSettings, backbone_file: Path, args: argparse.Namespace
) -> Iterator[dict[str, Any]]:
    """Yield a row per smoothing and training task of one backbone."""
    from trajprompt.commands.tune import prepare
    from trajprompt.tuning.signal import signals

    training = on_training_tasks(settings, args.tasks)
    problem = prepare(training, read_stores(args), backbone_file)
    cell = {name: getattr(settings, name) for name in CELL if name != "method"}
    for one in signals(problem, args.smoothing, args.resets):
        for row, task in enumerate(problem.rows.tolist()):
            yield {
                **cell,
                "seed": settings.seed,
                "smoothing": one.smoothing,
                "task": task,
                "prompt": int(problem.prompts[row]),
                "resets": args.resets,
                **{
                    name: float(getattr(one, name)[row])
                    for name in ("cosine", "reliability", "candidates", "noise")
                },
            }


if __name__ == "__main__":
    raise SystemExit(run_stage(main))
