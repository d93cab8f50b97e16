"""Cost of checkpoints: collect and pretrain jobs with and without them, interleaved.

    OMP_NUM_THREADS=1 python benchmarks/checkpoints.py [--share 0.25] [--rounds 3]

The jobs are those of ``config.yaml``, shortened to ``--share`` of their length, including
the writing of outputs. ``--minutes`` are the intervals to try: the default, and a far too
short one. Without checkpoints the interval is infinite. Two measures: the CPU time of a job
with checkpoints against one without, paired by round (the complete cost, but noisy on busy
cores); and the time spent in writing (exact, but only a part of the cost).
"""

import argparse
import contextlib
import dataclasses
import math
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from machine import print_machine
from trajprompt.artifacts.checkpoint import LARGEST_SHARE, MINUTES, VARIABLE, Checkpoint
from trajprompt.commands import pretrain
from trajprompt.commands.collect import run as run_collect
from trajprompt.config import derive
from trajprompt.config.load import load_config
from trajprompt.settings.stages import CollectSettings, PretrainSettings

ROOT = Path(__file__).resolve().parents[1]
NEVER = math.inf
MAX_COST = 0.03  # target: share of a job's time


@dataclass
class Measured:
    """Time of a job, and time spent in writing its checkpoints, in seconds."""

    cpu: float = 0.0
    wall: float = 0.0
    writes: int = 0
    writing_cpu: float = 0.0
    writing_wall: float = 0.0
    largest: float = 0.0  # checkpoint file, in MiB

    @contextlib.contextmanager
    def recording(self) -> Iterator[None]:
        """Count and time the writes of all checkpoints in the block."""
        save = Checkpoint._save

        def timed(checkpoint: Checkpoint, *args: Any) -> None:
            cpu, wall = time.process_time(), time.perf_counter()
            save(checkpoint, *args)
            self.writing_cpu += time.process_time() - cpu
            self.writing_wall += time.perf_counter() - wall
            self.writes += 1
            assert checkpoint.path is not None
            self.largest = max(self.largest, checkpoint.path.stat().st_size / 2**20)

        Checkpoint._save = timed  # type: ignore[method-assign]
        try:
            yield
        finally:
            Checkpoint._save = save  # type: ignore[method-assign]


def measure(job: Callable[[], object], minutes: float) -> Measured:
    """Run ``job`` with a checkpoint every ``minutes`` and without its output."""
    found = Measured()
    os.environ[VARIABLE] = str(minutes)
    with found.recording(), open(os.devnull, "w") as nothing:
        cpu, wall = time.process_time(), time.perf_counter()
        with contextlib.redirect_stdout(nothing):
            job()
        found.cpu, found.wall = time.process_time() - cpu, time.perf_counter() - wall
    return found


def collect_settings(suite: str, share: float) -> CollectSettings:
    """Settings of the config with fewer episodes, and therefore without thresholds."""
    files = [str(ROOT / "config.yaml")]
    given = derive.settings_for(load_config(files), CollectSettings, suite=suite)
    episodes = math.ceil(share * given.options["episodes_per_task"])
    options = {**given.options, "episodes_per_task": episodes}
    return dataclasses.replace(
        given,
        options=options,
        expert_at_least=None,
        random_at_most=None,
        quality_episodes=min(episodes, given.quality_episodes),
        device="cpu",
    )


def pretrain_settings(suite: str, share: float) -> PretrainSettings:
    files = [str(ROOT / "config.yaml")]
    given = derive.settings_for(
        load_config(files), PretrainSettings, suite=suite, backbone="prompt-dt", seed=0
    )
    steps = math.ceil(share * given.training.steps)
    training = dataclasses.replace(given.training, steps=steps)
    return dataclasses.replace(given, training=training, device="cpu")


def jobs(suite: str, share: float, folder: Path) -> dict[str, Callable[[], object]]:
    """Jobs of both stages; pretraining reads the store of the collection."""
    collecting, training = collect_settings(suite, share), pretrain_settings(suite, share)
    store = folder / "trajectories.h5"
    weights, curve = folder / "backbone.safetensors", folder / "curve.csv"
    return {
        "collect": lambda: run_collect(collecting, str(store)),
        "pretrain": lambda: pretrain.run(training, store, weights, curve),
    }


def rounds_of(
    job: Callable[[], object], intervals: list[float], rounds: int
) -> dict[float, list[Measured]]:
    """``rounds`` runs with each interval and without, in a different order each round."""
    order = [NEVER, *intervals]
    found: dict[float, list[Measured]] = {minutes: [] for minutes in order}
    for _ in range(rounds):
        for minutes in order:
            found[minutes].append(measure(job, minutes))
        order = [*order[1:], order[0]]
    return found


def report(name: str, found: dict[float, list[Measured]]) -> None:
    """Print one line per interval."""
    without = found.pop(NEVER)
    mean = statistics.mean(one.cpu for one in without)
    ratios = [one.cpu / mean - 1 for one in without]
    print(f"{name} without: {mean:.1f} CPU-s, spread {spread(ratios):.2%}", flush=True)
    for minutes, runs in found.items():
        ratios = [a.cpu / b.cpu - 1 for a, b in zip(runs, without, strict=True)]
        cost, error = statistics.mean(ratios), spread(ratios) / len(ratios) ** 0.5
        least = min(one.cpu for one in runs) / min(one.cpu for one in without) - 1
        inside = sum(one.writing_cpu for one in runs) / sum(one.cpu for one in runs)
        waiting = sum(one.writing_wall for one in runs) / sum(one.wall for one in runs)
        print(
            f"   every {minutes:g} min: CPU {cost:+.2%} ± {error:.2%}, least to least "
            f"{least:+.2%}; {runs[0].writes} writes are {inside:.2%} of the CPU time, "
            f"{waiting:.2%} of the wall time",
            flush=True,
        )
    print_bound([one for runs in found.values() for one in runs])


def print_bound(runs: list[Measured]) -> None:
    """Print the time of one write, and its share of the default interval."""
    written = [one for one in runs if one.writes]
    if not written:
        return
    slowest = max(one.writing_wall / one.writes for one in written)
    largest = max(one.largest for one in written)
    share = slowest / (60 * MINUTES)
    print(
        f"   one write: {slowest:.2f} s of wall time on average, up to {largest:.0f} MiB; "
        f"every {MINUTES:g} min {share:.2%}, in any case less than {LARGEST_SHARE:.0%} "
        f"after the first one; target: at most {MAX_COST:.0%}",
        flush=True,
    )


def spread(values: list[float]) -> float:
    """Standard deviation; 0 for a single value."""
    return statistics.stdev(values) if len(values) > 1 else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--suite", default="cheetah-vel")
    parser.add_argument(
        "--share", type=float, default=0.25, help="share of the jobs' length"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--minutes", type=float, nargs="+", default=[MINUTES, 0.05], help="intervals to try"
    )
    args = parser.parse_args()
    torch.set_num_threads(1)
    print_machine()
    print(f"{args.suite}, {args.share:g} of the jobs' length, {args.rounds} rounds")
    with tempfile.TemporaryDirectory() as folder:
        for name, job in jobs(args.suite, args.share, Path(folder)).items():
            measure(
                job, NEVER
            )  # for late imports, and because the next job reads its output
            report(name, rounds_of(job, args.minutes, args.rounds))


if __name__ == "__main__":
    main()
