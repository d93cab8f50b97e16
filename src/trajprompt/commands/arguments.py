"""Command-line arguments that the stages share, and the settings that they name."""

import argparse
from pathlib import Path
from typing import Any

from trajprompt.errors import TrajpromptError
from trajprompt.settings.parsing import json_object
from trajprompt.settings.stages import Settings, from_mapping, to_json


def stage_parser(
    stage: str, description: str | None, example: str
) -> argparse.ArgumentParser:
    """The command line of a stage, with one example that works after a smoke run."""
    return argparse.ArgumentParser(
        prog=f"trajprompt {stage}",
        description=description,
        epilog=f"example:\n  trajprompt {stage} {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def stage_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the two ways of giving a stage its settings."""
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--config",
        nargs="+",
        metavar="FILE",
        default=["config.yaml"],
        help="config files, later ones override earlier ones (default: config.yaml)",
    )
    source.add_argument(
        "--settings",
        metavar="JSON",
        help="this stage's settings, as the workflow passes them",
    )


def cell_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what names a cell: the coordinates of the stages after pretraining."""
    parser.add_argument("--suite", required=True, help="suite of tasks, e.g. cheetah-vel")
    parser.add_argument("--condition", required=True, help="named conditions in the config")
    parser.add_argument(
        "--method", required=True, help="a name under methods in the config"
    )
    parser.add_argument("--seed", type=int, required=True, help="seed of the backbone")
    stage_arguments(parser)


def read_cell_settings(args: argparse.Namespace, cls: type[Settings]) -> Settings:
    """The settings of the cell that `cell_arguments` name."""
    names = ("suite", "condition", "method", "seed")
    return read_settings(args, cls, **{name: getattr(args, name) for name in names})


def read_settings(
    args: argparse.Namespace, cls: type[Settings], **coordinates: Any
) -> Settings:
    """The settings of one job, from ``--settings`` or from the config files.

    ``coordinates`` (suite, condition, method, seed, …) say which job; given settings must
    agree with them.
    """
    text, where = args.settings, "--settings"
    if text is None:
        from trajprompt.config import derive
        from trajprompt.config.load import load_config

        config = load_config(args.config)
        # A run is made in the folder of its configuration, a job by hand perhaps elsewhere.
        config["papers"] = str(Path(args.config[0]).parent / config["papers"])
        made = derive.settings_for(config, cls, **coordinates)
        text, where = to_json(made), "--config"  # read alike, so that they are alike
    settings = from_mapping(cls, json_object(text, where), where)
    for name, value in coordinates.items():
        own = getattr(settings, name)
        if own != value:
            raise TrajpromptError(f"--settings {name}", repr(own), repr(value))
    return settings
