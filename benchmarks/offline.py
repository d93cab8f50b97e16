"""Updates per second of offline algorithms against d3rlpy's, on one thread.

    OMP_NUM_THREADS=1 python benchmarks/offline.py --peer-python PEER/bin/python

d3rlpy 2.8.1 requires another gymnasium, so it has an environment of its own::

    python -m venv PEER
    PEER/bin/pip install torch==2.13.0 d3rlpy==2.8.1

Both use float32, the sizes of halfcheetah, random transitions, and equal networks and
batches: one seed at width and batch 256, then five stacked seeds at 128, where one step
counts as five updates. A round measures ours and the peer in turn, by CPU time. Updates are
measured with batches drawn from the buffer, as in training, and with batches drawn before.
Ours also reads its losses as a training does. ``--profile`` prints where our time goes.
"""

import argparse
import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from machine import print_machine
from trajprompt.numerics.device import keep_freed_memory
from trajprompt.offline.noise import Noise
from trajprompt.offline.protocol import Sizes
from trajprompt.offline.registry import get_algorithm
from trajprompt.offline.training import READ_EVERY, OfflineTraining
from trajprompt.trajectories.transitions import Transitions

STATES, ACTIONS, ROWS = 17, 6, 20_000  # as in offline_peer.py
WIDTHS = (STATES, ACTIONS, 1, STATES, 1, ACTIONS, 1)  # columns of `Batch`
KINDS = ("bc", "td3-bc", "iql", "cql", "rebrac")
GIVEN = 64  # batches of `given`


@dataclass(frozen=True)
class Size:
    width: int
    batch: int
    seeds: int
    goal: float  # ratio of updates per second


SIZES = (Size(256, 256, 1, 1.5), Size(128, 128, 5, 2.5))


def ours(kind: str, size: Size) -> Callable[[str, float], float]:
    """Function that measures updates per CPU second, as `Peer.rate`."""
    training = make_training(kind, size)
    given = [training.data.batch(training._draw()) for _ in range(GIVEN)]

    def rate(name: str, seconds: float) -> float:
        count, start = 0, time.process_time()
        while (spent := time.process_time() - start) < seconds:
            drawn = name == "draw"
            batch = training.data.batch(training._draw()) if drawn else given[count % GIVEN]
            training.unread.append(training.learner.update(batch))
            count += 1
            if len(training.unread) == READ_EVERY:
                training._read(count)
        return count * size.seeds / spent

    return rate


def make_training(kind: str, size: Size) -> OfflineTraining:
    def generators(start: int) -> list[torch.Generator]:
        seeds = range(start, start + size.seeds)
        return [torch.Generator().manual_seed(seed) for seed in seeds]

    algorithm = get_algorithm(kind)
    options = algorithm.options(width=size.width, batch=size.batch)
    sizes = Sizes(size.seeds, STATES, ACTIONS, updates=1_000_000)
    noise = Noise(generators(100))
    learner = algorithm.learner(sizes, options, generators(0), noise, "cpu")
    table = torch.randn(ROWS, sum(WIDTHS), generator=torch.Generator().manual_seed(0))
    parts = dict(zip("sarntmf", table.split(WIDTHS, 1), strict=True))
    parts["a"].clamp_(-1, 1)
    parts["m"].clamp_(-1, 1)
    parts["t"].zero_()
    parts["f"].fill_(1)
    labels = [str(seed) for seed in range(size.seeds)]
    data = Transitions(table, WIDTHS)
    return OfflineTraining(learner, data, generators(200), size.batch, labels)


class Peer:
    """A process of offline_peer.py."""

    def __init__(self, python: str, kind: str, size: Size):
        script = Path(__file__).with_name("offline_peer.py")
        command = [python, "-W", "ignore", str(script), kind]
        self.process = subprocess.Popen(
            [*command, str(size.width), str(size.batch)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.name = self._line()
        while not self.name.startswith("d3rlpy"):
            self.name = self._line()

    def rate(self, name: str, seconds: float) -> float:
        """Updates per CPU second in about ``seconds``; ``name`` is draw or given."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{name} {seconds}\n")
        self.process.stdin.flush()
        count, spent = self._line().split()
        return int(count) / float(spent)

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()

    def _line(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("the peer has ended: run offline_peer.py alone to see why")
        return line.strip()


def compare(kind: str, size: Size, args: argparse.Namespace) -> None:
    """Print both rates and their ratio: median and range over rounds."""
    rate, peer = ours(kind, size), Peer(args.peer_python, kind, size)
    for name in ("draw", "given"):
        for warm_up in (rate, peer.rate):
            warm_up(name, 0.5)
        pairs = [
            (rate(name, args.seconds), peer.rate(name, args.seconds))
            for _ in range(args.rounds)
        ]
        ratios = sorted(one / other for one, other in pairs)
        medians = [statistics.median(values) for values in zip(*pairs, strict=True)]
        print(
            f"{kind:8}{name:7}{medians[0]:9.0f}{medians[1]:9.0f}"
            f"{statistics.median(ratios):8.2f}x  {ratios[0]:.2f} to {ratios[-1]:.2f}"
            f"{'' if statistics.median(ratios) >= size.goal else '  below the goal'}",
            flush=True,
        )
    peer.close()


def profile(kind: str, size: Size) -> None:
    """Print the operations of an update with the most CPU time of their own."""
    training, updates = make_training(kind, size), 10
    batch = training.data.batch(training._draw())
    for _ in range(3):
        training.learner.update(batch)
    start = time.process_time()
    for _ in range(updates):
        training.learner.update(batch)
    plain = (time.process_time() - start) / updates
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as found:
        for _ in range(updates):
            training.learner.update(batch)
    print(f"{kind}: {plain * 1e6:.0f} us per step without the profiler; with it, by calls:")
    top = sorted(found.key_averages(), key=lambda one: -one.self_cpu_time_total)[:12]
    for one in top:
        spent = one.self_cpu_time_total / updates
        print(f"   {one.key:44}{one.count / updates:7.1f} calls{spent:9.0f} us")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer-python", help="Python of d3rlpy's environment")
    parser.add_argument("--kinds", nargs="+", default=KINDS, choices=KINDS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="CPU s per measurement")
    parser.add_argument("--profile", action="store_true")
    args = parser.parse_args()
    if not args.peer_python and not args.profile:
        parser.error("--peer-python or --profile is required")
    torch.set_num_threads(1)
    keep_freed_memory()  # as in a training
    print_machine()
    for size in SIZES:
        print(
            f"width {size.width}, batch {size.batch}, seeds {size.seeds}, "
            f"goal {size.goal}x; updates per CPU second and seed: ours, d3rlpy, ratio"
        )
        for kind in args.kinds:
            if args.peer_python:
                compare(kind, size, args)
            if args.profile:
                profile(kind, size)


if __name__ == "__main__":
    main()
