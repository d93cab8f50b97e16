"""Stage 1: collect the trajectories of one suite and check that its experts learned.

Prints the learning curve: mean returns by number of control steps per task.
"""

import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from trajprompt.commands.arguments import (
    SUITE,
    command_parser,
    read_settings,
    stage_arguments,
)
from trajprompt.commands.process import run_stage
from trajprompt.settings.stages import CollectSettings

if TYPE_CHECKING:
    import numpy as np

    from trajprompt.trajectories.episodes import TaskEpisodes

EXAMPLE = "--config config.yaml presets/smoke.yaml --suite reach --out reach.h5"


def main(argv: Sequence[str] | None = None) -> None:
    parser = command_parser("collect", __doc__, EXAMPLE)
    parser.add_argument("--suite", required=True, help=SUITE)
    parser.add_argument(
        "--out", required=True, metavar="FILE", help="trajectories to write (.h5)"
    )
    stage_arguments(parser)
    args = parser.parse_args(argv)
    settings = read_settings(args, CollectSettings, suite=args.suite)
    run(settings, args.out)


def run(settings: CollectSettings, out: str) -> None:
    """Collect and write the store; TrajpromptError if the experts did not learn."""
    from trajprompt.artifacts.checkpoint import checkpoint_for
    from trajprompt.artifacts.provenance import provenance
    from trajprompt.artifacts.records import write_record
    from trajprompt.artifacts.resources import write_resources
    from trajprompt.collect.algorithms import collect
    from trajprompt.collect.curve import COLUMNS, learning_curve
    from trajprompt.numerics.device import precision_name, resolve_device
    from trajprompt.tasks.registry import get_suite
    from trajprompt.trajectories.store import write_trajectories

    suite = get_suite(settings.suite)
    source = [settings.options["path"]] if settings.algorithm == "file" else []
    attributes = provenance("collect", dataclasses.asdict(settings), source)
    device = resolve_device(settings.device)
    if "precision" in settings.options:
        name = settings.options["precision"]
        attributes["precision"] = precision_name(name, device)
    with checkpoint_for(Path(out), attributes, device) as checkpoint:
        start = time.process_time()
        tasks = collect(settings, suite, device, checkpoint)
        seconds = time.process_time() - start
        count = f"{len(tasks)} tasks by {settings.algorithm}"
        print(f"{settings.suite}: {count}, {seconds:.0f} CPU-s")
        curve = learning_curve(tasks)
        _check_learning(settings, tasks, curve)
        write_trajectories(out, suite, tasks, attributes, curve, COLUMNS)
        write_record(attributes, out)
        write_resources(out, checkpoint.resumed_from)


def _check_learning(
    settings: CollectSettings, tasks: "Sequence[TaskEpisodes]", curve: "np.ndarray"
) -> None:
    """Print the learning curve; raise TrajpromptError if the experts did not learn."""
    from trajprompt.collect.curve import check_learned, curve_table, first_and_last

    episodes = settings.quality_episodes
    first, last = first_and_last(tasks, episodes)
    print(curve_table(curve))
    print(f"first {episodes} episodes per task: {first:.1f}; last {episodes}: {last:.1f}")
    check_learned(
        tasks,
        episodes,
        settings.expert_at_least,
        settings.random_at_most,
        f"collect.{settings.suite}",
    )


if __name__ == "__main__":
    raise SystemExit(run_stage(main))
