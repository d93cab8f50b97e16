"""Parsers, arguments and settings that the commands share."""

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trajprompt.errors import TrajpromptError
from trajprompt.settings.parsing import json_object
from trajprompt.settings.stages import Settings, from_mapping, to_json

if TYPE_CHECKING:
    from trajprompt.trajectories.demonstrated_task import Stores

# Texts of options that several commands have.
SUITE = "name of a suite of tasks, e.g. cheetah-vel"
TRAJECTORIES = "trajectories of the suite, written by `trajprompt collect` (.h5)"
DEMONSTRATIONS = "trajectories with the demonstrations, of the suite demonstrations_from"
BACKBONE = "backbone, written by `trajprompt pretrain` (.safetensors)"
ADAPTATION = "tuned prompts or weights, written by `trajprompt tune` (.h5)"
EPISODES = "table to write (.csv), with one episode per row; returns are sums of rewards"
CELL = ("suite", "condition", "method")  # coordinates of a cell, besides the seed
REPORT = "folder of the report to write into; it is created if it is missing"


def command_parser(
    command: str, description: str | None, *examples: str, notes: str = ""
) -> argparse.ArgumentParser:
    """Parser of a command; its help ends with ``notes`` and examples.

    Examples are the arguments alone. Those of the stages work after a smoke run.
    """
    title = "examples" if len(examples) > 1 else "example"
    lines = "\n".join(f"  trajprompt {command} {example}" for example in examples)
    return argparse.ArgumentParser(
        prog=f"trajprompt {command}",
        description=description,
        epilog=f"{notes}{title}:\n{lines}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def stage_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--config`` and ``--settings``, of which a stage takes one."""
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--config",
        nargs="+",
        metavar="FILE",
        default=["config.yaml"],
        help="YAML files of the run, config.yaml first; later ones override earlier ones"
        " (default: config.yaml)",
    )
    source.add_argument(
        "--settings",
        metavar="JSON",
        help="settings of this job as one JSON object, which the workflow passes instead"
        " of --config",
    )


def stores_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--data`` and ``--demonstrations``, the trajectories of a suite."""
    file: Any = {"type": Path, "metavar": "FILE"}
    parser.add_argument("--data", required=True, help=TRAJECTORIES, **file)
    parser.add_argument("--demonstrations", help=DEMONSTRATIONS, **file)


def read_stores(args: argparse.Namespace) -> "Stores":
    """The files of the arguments of `stores_arguments`."""
    from trajprompt.trajectories.demonstrated_task import Stores

    return Stores(args.data, args.demonstrations)


def cell_arguments(parser: argparse.ArgumentParser, several_seeds: bool = False) -> None:
    """Add the arguments that name a cell (suite, condition, method, seed or seeds)."""
    parser.add_argument("--suite", required=True, help=SUITE)
    parser.add_argument(
        "--condition",
        required=True,
        help="prompts and data of the method: a name under conditions in the config,"
        " e.g. expert",
    )
    parser.add_argument(
        "--method",
        required=True,
        help="tuning method: a name under methods in the config, e.g. ptdt-online",
    )
    seed = "seed of the backbone, an integer, e.g. 0"
    if several_seeds:
        seeds_argument(parser, seed)
    else:
        parser.add_argument("--seed", type=int, required=True, help=seed)
    stage_arguments(parser)


def seeds_argument(parser: argparse.ArgumentParser, text: str) -> None:
    """Add ``--seed``, of which a stack has several."""
    text += "; several if compute.stacked_seeds is true, with as many files per option"
    parser.add_argument("--seed", type=int, nargs="+", required=True, help=text)


def read_stack(
    args: argparse.Namespace,
    cls: type[Settings],
    names: Sequence[str],
    files: Sequence[str],
) -> list[Settings]:
    """Settings of every seed of the arguments, which differ in their seeds only.

    ``names`` are the other coordinates of the job, ``files`` the arguments that have one
    file per seed. Raises TrajpromptError if there are not, or if only stacks may have
    several seeds.
    """
    seeds = args.seed
    for name in files:
        if len(getattr(args, name)) != len(seeds):
            found = f"found {len(getattr(args, name))} files for {len(seeds)} seeds"
            remedy = "give one file per seed, in the order of the seeds"
            option = f"--{name.replace('_', '-')}"
            raise TrajpromptError(option, found, f"{len(seeds)}", remedy)
    coordinates = {name: getattr(args, name) for name in names}
    first: Any = read_settings(args, cls, seed=seeds[0], **coordinates)
    if len(seeds) > 1 and not first.stacked_seeds:
        remedy = "give one seed, or set compute.stacked_seeds to true"
        raise TrajpromptError("--seed", f"found {len(seeds)} seeds", "one", remedy)
    return [dataclasses.replace(first, seed=seed) for seed in seeds]


def read_cell_settings(args: argparse.Namespace, cls: type[Settings]) -> Settings:
    """Settings of the cell that the arguments of `cell_arguments` name."""
    names = ("suite", "condition", "method", "seed")
    return read_settings(args, cls, **{name: getattr(args, name) for name in names})


def read_settings(
    args: argparse.Namespace, cls: type[Settings], **coordinates: Any
) -> Settings:
    """Settings of one job, from ``--settings`` or from the config files.

    ``coordinates`` (suite, condition, method, seed, …) identify the job. Raises
    TrajpromptError if the settings are wrong or do not match the coordinates.
    """
    text, where = args.settings, "--settings"
    if text is None:
        from trajprompt.config import derive
        from trajprompt.config.load import load_config

        config = load_config(args.config)
        # Relative to the config file: the command may be called from another folder.
        config["papers"] = str(Path(args.config[0]).parent / config["papers"])
        derived = derive.settings_for(config, cls, **coordinates)
        text, where = to_json(derived), "--config"  # parsed below like --settings
    values = json_object(text, where, f"correct the value of {where}")
    settings = from_mapping(cls, values, where)
    for name, value in coordinates.items():
        found = getattr(settings, name)
        if found != value:
            expected = f"{value!r}, as in the other options of the command"
            remedy = "give the same value in both"
            raise TrajpromptError(f"{where} {name}", f"found {found!r}", expected, remedy)
    return settings
