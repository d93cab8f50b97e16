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
from trajprompt.errors import TrajpromptError
from trajprompt.settings.stages import CollectSettings

if TYPE_CHECKING:
    import numpy as np

    from trajprompt.tasks.suites import Suite
    from trajprompt.trajectories.episodes import TaskEpisodes

EXAMPLE = "--config config.yaml presets/smoke.yaml --suite reach --out reach.h5"


def main(argv: Sequence[str] | None = None) -> None:
    parser = command_parser("collect", __doc__, EXAMPLE)
    parser.add_argument("--suite", required=True, help=SUITE)
    parser.add_argument(
        "--out", required=True, metavar="FILE", help="trajectories to write (.h5)"
    )
    parser.add_argument(
        "--teacher",
        nargs=2,
        type=Path,
        metavar=("POLICIES", "REPLAY"),
        help="the two files of `trajprompt teach`, for levels of D4RL suites",
    )
    stage_arguments(parser)
    args = parser.parse_args(argv)
    settings = read_settings(args, CollectSettings, suite=args.suite)
    run(settings, args.out, args.teacher or ())


def run(settings: CollectSettings, out: str, teacher: Sequence[Path] = ()) -> None:
    """Collect and write the store; TrajpromptError if a check of its returns fails.

    ``teacher`` are the policies and the replay that a D4RL level is made from.
    """
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
    _check_teacher(settings, teacher)
    source = [settings.options["path"]] if settings.algorithm == "file" else []
    inputs = [*source, *teacher]
    attributes = provenance("collect", dataclasses.asdict(settings), inputs)
    device = resolve_device(settings.device)
    if "precision" in settings.options:
        name = settings.options["precision"]
        attributes["precision"] = precision_name(name, device)
    with checkpoint_for(Path(out), attributes, device) as checkpoint:
        start = time.process_time()
        tasks = collect(settings, suite, device, checkpoint, teacher)
        seconds = time.process_time() - start
        count = f"{len(tasks)} tasks by {settings.algorithm}"
        print(f"{settings.suite}: {count}, {seconds:.0f} CPU-s")
        curve = learning_curve(tasks)
        _check_learning(settings, suite, tasks, curve)
        write_trajectories(out, suite, tasks, attributes, curve, COLUMNS)
        write_record(attributes, out)
        write_resources(out, checkpoint.resumed_from)


def _check_teacher(settings: CollectSettings, teacher: Sequence[Path]) -> None:
    """Raise TrajpromptError unless the teacher's files are given where they are read."""
    from trajprompt.artifacts.atomic import require_file

    wanted = 2 if settings.algorithm == "level" else 0
    if len(teacher) != wanted:
        where = f"--teacher, for {settings.suite}"
        expected = f"{wanted}, because its algorithm is {settings.algorithm}"
        remedy = "give both files of `trajprompt teach`" if wanted else "leave it out"
        raise TrajpromptError(where, f"found {len(teacher)} files", expected, remedy)
    for file in teacher:
        require_file(file, "trajprompt teach")


def _check_learning(
    settings: CollectSettings,
    suite: "Suite",
    tasks: "Sequence[TaskEpisodes]",
    curve: "np.ndarray",
) -> None:
    """Print the learning curve; raise TrajpromptError if a check of the returns fails."""
    from trajprompt.collect.curve import (
        check_learned,
        check_score,
        curve_table,
        first_and_last,
        mean_score,
    )

    episodes, where = settings.quality_episodes, f"collect.{suite.name}"
    first, last = first_and_last(tasks, episodes)
    print(curve_table(curve))
    print(f"first {episodes} episodes per task: {first:.1f}; last {episodes}: {last:.1f}")
    check_learned(tasks, episodes, settings.expert_at_least, settings.random_at_most, where)
    if suite.score_range is not None:
        score = mean_score(tasks, suite)
        print(f"score of all episodes' mean return: {score:.1f}")
        check_score(score, settings.score_between, suite, where)


if __name__ == "__main__":
    raise SystemExit(run_stage(main))
