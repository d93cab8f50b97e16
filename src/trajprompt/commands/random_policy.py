"""Stage 4: play uniformly random actions on the test tasks of a suite.

Their mean return is the zero of the normalised returns that compare all methods.
"""

import argparse
import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from trajprompt.commands.arguments import (
    EPISODES,
    SUITE,
    command_parser,
    read_settings,
    stage_arguments,
)
from trajprompt.commands.process import run_stage
from trajprompt.settings.stages import RANDOM_POLICY, RandomPolicySettings

if TYPE_CHECKING:
    from trajprompt.rollout.evaluation import Entry
    from trajprompt.rollout.loop import Episodes

EXAMPLE = """--config config.yaml presets/smoke.yaml --suite reach \\
    --out random-policy.csv"""


def main(argv: Sequence[str] | None = None) -> None:
    args = _parser().parse_args(argv)
    run(read_settings(args, RandomPolicySettings, suite=args.suite), args.out)


def _parser() -> argparse.ArgumentParser:
    parser = command_parser(RANDOM_POLICY, __doc__, EXAMPLE)
    parser.add_argument("--suite", required=True, help=SUITE)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help=EPISODES)
    stage_arguments(parser)
    return parser


def run(settings: RandomPolicySettings, out: Path) -> None:
    """Play every task; write the episodes with the columns of an evaluation."""
    from trajprompt.artifacts.atomic import write_text
    from trajprompt.artifacts.provenance import provenance
    from trajprompt.artifacts.records import write_record
    from trajprompt.artifacts.resources import write_resources
    from trajprompt.progress import progress
    from trajprompt.rollout.evaluation import to_csv

    tasks = progress(settings.tasks, f"{settings.suite} random play", "task")
    entries = [entry for task in tasks for entry in _entries(settings, task)]
    attributes = provenance(RANDOM_POLICY, dataclasses.asdict(settings), [])
    write_text(out, to_csv(entries))
    write_record(attributes, out)
    write_resources(out)


def play(settings: RandomPolicySettings, task: int) -> "Episodes":
    """Play the task's episodes in lockstep.

    The random streams depend on the task, so its returns do not depend on the run's other
    tasks. All episodes are played even if resets are deterministic: the actions differ.
    """
    import numpy as np

    from trajprompt.collect.scripted import RandomPolicy
    from trajprompt.rollout.loop import rollout
    from trajprompt.seeds import integers, stream
    from trajprompt.tasks.registry import get_suite, make_simulator

    suite, count = get_suite(settings.suite), settings.episodes

    def task_stream(purpose: str) -> np.random.SeedSequence:
        return stream(settings.run_seed, RANDOM_POLICY, suite.name, task, purpose)

    generator = np.random.default_rng(task_stream("actions"))
    resets = integers(task_stream("resets"), count)
    simulator = make_simulator(suite, np.full(count, task), settings.threads)
    return rollout(simulator, RandomPolicy(count, suite.action_dim, generator), resets)


def _entries(settings: RandomPolicySettings, task: int) -> "Iterator[Entry]":
    """Rows in the format of an evaluation, with the run's seed as their only seed."""
    played = play(settings, task)
    for episode in range(settings.episodes):
        yield {
            "suite": settings.suite,
            "condition": RANDOM_POLICY,
            "method": RANDOM_POLICY,
            "seed": settings.run_seed,
            "task": task,
            "prompt": 0,
            "episode": episode,
            "checkpoint": "last",
            "iteration": 0,
            "queries": 0,
            "return": float(played.returns[episode]),
            "length": int(played.lengths[episode]),
            "success": int(played.successes[episode]),
        }


if __name__ == "__main__":
    raise SystemExit(run_stage(main))
