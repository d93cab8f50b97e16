"""Decisions per second of SMAX's battles against jaxmarl's, on one core.

    OMP_NUM_THREADS=1 python benchmarks/smax.py --peer-python PEER/bin/python

jaxmarl 0.2.0 needs JAX, so it has an environment of its own, that of
tests/peers/smax_reference.py. Both play rounds of 256 battles from a reset, against the
built-in enemy, with actions of our side that were drawn before. ``see`` also computes what
our side sees and its available actions, as a policy needs them; ``step`` does not. A
decision is one of a battle, i.e. of all its units. jaxmarl's round is one compiled call,
and its compilation is not counted. A measurement of ours and one of the peer take turns, in
CPU time.

``--wins 1000`` compares results instead: that many battles of each scenario, in which the
enemy's player plays for our side and acts at random with probability 0, 0.3 or 1.
"""

import argparse
import statistics
import subprocess
import time
from pathlib import Path

import numpy as np

from machine import print_machine
from trajprompt import seeds
from trajprompt.smax import heuristic
from trajprompt.smax.battle import Battle, draw
from trajprompt.smax.heuristic import Heuristic
from trajprompt.smax.observations import available, observe
from trajprompt.smax.play import built_in, play
from trajprompt.smax.scenarios import SCENARIOS, get_scenario

NAMES = ("see", "step")
NOISES = (0.0, 0.3, 1.0)


class Ours:
    """Rounds of our battles."""

    def __init__(self, name: str, battles: int, decisions: int):
        self.scenario, self.battles = get_scenario(name), battles
        shape = (decisions, battles, self.scenario.allies)
        generator = np.random.default_rng(0)
        self.chosen = generator.integers(0, self.scenario.actions(0), shape)

    def rate(self, name: str, seconds: float) -> float:
        """Decisions per CPU second; ``name`` is see or step."""
        count, start = 0, time.process_time()
        while (spent := time.process_time() - start) < seconds:
            self._round(name, count)
            count += 1
        return count * self.battles * len(self.chosen) / spent

    def _round(self, name: str, seed: int) -> None:
        streams = np.random.SeedSequence(seed).spawn(self.battles)
        generators = [np.random.default_rng(stream) for stream in streams]
        battle = Battle(self.scenario, draw(self.scenario, generators))
        draws = heuristic.draw(self.scenario, 1, generators)
        enemy, kept = Heuristic(battle, 1, draws), []
        for actions in self.chosen:
            if name == "see":
                kept.append((observe(battle, 0), available(battle, 0)))
            battle.step(actions, enemy(battle))


class Peer:
    """A process of smax_peer.py."""

    def __init__(self, python: str, name: str, battles: int, decisions: int):
        script = Path(__file__).with_name("smax_peer.py")
        command = [python, "-W", "ignore", str(script), name, str(battles), str(decisions)]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        while not self._line().startswith("jaxmarl"):
            pass  # it also prints what it imports

    def rate(self, name: str, seconds: float) -> float:
        """Decisions per CPU second; ``name`` is see or step."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{name} {seconds}\n")
        self.process.stdin.flush()
        count, spent = self._line().split()
        return int(count) / float(spent)

    def wins(self, noise: float) -> tuple[int, int, float]:
        """Wins and losses of all battles, and the mean return."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"wins {noise}\n")
        self.process.stdin.flush()
        wins, losses, mean = self._line().split()
        return int(wins), int(losses), float(mean)

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()

    def _line(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("the peer has ended: run smax_peer.py alone to see why")
        return line.strip()


def compare(scenario: str, args: argparse.Namespace) -> None:
    """Print both rates and their ratio: median and range over rounds."""
    ours = Ours(scenario, args.battles, args.decisions)
    peer = Peer(args.peer_python, scenario, args.battles, args.decisions)
    for name in NAMES:
        for warm_up in (ours.rate, peer.rate):
            warm_up(name, 0.5)
        pairs = [
            (ours.rate(name, args.seconds), peer.rate(name, args.seconds))
            for _ in range(args.rounds)
        ]
        ratios = sorted(one / other for one, other in pairs)
        medians = [statistics.median(values) for values in zip(*pairs, strict=True)]
        print(
            f"{scenario:14}{name:6}{medians[0]:9,.0f}{medians[1]:9,.0f}"
            f"{statistics.median(ratios):8.2f}x  {ratios[0]:.2f} to {ratios[-1]:.2f}",
            flush=True,
        )
    peer.close()


def compare_wins(scenario: str, args: argparse.Namespace) -> None:
    """Print results of both at each noise; errors are standard errors."""
    peer = Peer(args.peer_python, scenario, args.wins, args.decisions)
    for noise in NOISES:
        streams = seeds.children(seeds.stream(0, scenario, noise), args.wins)
        found = play(get_scenario(scenario), streams, built_in(noise))
        share = found.wins.mean()
        error = np.sqrt(share * (1 - share) / args.wins)
        spread = found.returns.std() / np.sqrt(args.wins)
        wins, losses, mean = peer.wins(noise)
        print(
            f"{scenario:14}{noise:4} won {share:.3f} ± {error:.3f}, lost "
            f"{found.losses.mean():.3f}, return {found.returns.mean():.3f} ± {spread:.3f}, "
            f"length {found.lengths.mean():.1f}; jaxmarl won {wins / args.wins:.3f}, "
            f"lost {losses / args.wins:.3f}, return {mean:.3f}",
            flush=True,
        )
    peer.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--peer-python", required=True, help="Python of jaxmarl's environment"
    )
    parser.add_argument("--scenarios", nargs="+", default=["3m"], choices=SCENARIOS)
    parser.add_argument("--battles", type=int, default=256)
    parser.add_argument("--decisions", type=int, default=20, help="per battle and round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="CPU s per measurement")
    parser.add_argument("--wins", type=int, help="compare results of that many battles")
    args = parser.parse_args()
    if args.wins:
        for scenario in args.scenarios:
            compare_wins(scenario, args)
        return
    print_machine()
    print("decisions per CPU second: ours, jaxmarl, ratio")
    for scenario in args.scenarios:
        compare(scenario, args)


if __name__ == "__main__":
    main()
