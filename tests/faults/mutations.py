"""Pass damaged files of every kind to all their readers and count the outcomes.

    python tests/faults/mutations.py [--count 2000] [--seed 0] [--kinds store,config]

Equal seeds give equal damages. A success is a file that is read like the original, that is
another valid file, or that is refused in one line with its name. Every failure is printed
with its number, which `--only` repeats, and the exit status is 1.
"""

import argparse
import json
import select
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from fault_kinds import KINDS

WORKER = Path(__file__).with_name("mutation_worker.py")
LIMIT = 10.0  # CPU seconds of all readers of one file together
PATIENCE, START_LIMIT = 60.0, 120.0  # seconds of waiting: for the readers; for imports
NAMES = tuple(kind.name for kind in KINDS)
FINE = ("equal", "other", "refused")
COLUMNS = {  # verdict -> heading
    "equal": "read, equal",
    "other": "read, other",
    "refused": "refused",
    "crash": "CRASHES",
    "hang": "HANGS",
    "memory": "> 1 GiB",
    "code": "CODE RUN",
}


@dataclass(frozen=True)
class Result:
    kind: str
    number: int
    verdict: str  # a key of COLUMNS
    change: str
    why: str
    seconds: float  # CPU time of all readers together
    grown: int  # bytes of address space, touched or not


class Worker:
    """A process that reads damaged files of one kind; it is restarted when it dies."""

    def __init__(self, kind: str, seed: int):
        self.kind, self.seed, self.starts = kind, seed, 0
        self.folder = tempfile.TemporaryDirectory()
        self._start()

    def _start(self) -> None:
        first = 10**6 + 1000 * self.starts
        arguments = [self.folder.name, self.kind, str(self.seed), str(first)]
        self.starts += 1
        self.process = subprocess.Popen(
            [sys.executable, str(WORKER), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        if self._line(START_LIMIT) != "ready\n":
            self.process.kill()
            raise RuntimeError(f"the worker of {self.kind} did not start")

    def judge(self, number: int) -> Result:
        _pipe(self.process.stdin).write(f"{number}\n")
        _pipe(self.process.stdin).flush()
        line = self._line(PATIENCE)
        if line:
            answer = json.loads(line)
            if answer["verdict"] == "memory":
                self._restart()  # the next file starts with unused memory
            if answer["seconds"] > LIMIT:
                answer |= {"verdict": "hang", "why": f"{answer['seconds']:.1f} s"}
            return Result(self.kind, number, **answer)
        verdict = "hang" if line is None else "crash"
        code = self._restart()
        why = f"no answer in {PATIENCE:.0f} s" if line is None else f"ended with {code}"
        return Result(self.kind, number, verdict, "?", why, PATIENCE, 0)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()

    def _restart(self) -> int:
        if self._line(0.2) is None:
            self.process.kill()
        code = self.process.wait()
        self._start()
        return code

    def _line(self, limit: float) -> str | None:
        """A line of the worker, "" if it died, None after ``limit`` seconds."""
        ready, _, _ = select.select([self.process.stdout], [], [], limit)
        return _pipe(self.process.stdout).readline() if ready else None


def _pipe(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


def run(count: int, seed: int, kinds: Sequence[str] = NAMES) -> Iterator[Result]:
    """Results of ``count`` damaged files, alternating between the kinds."""
    for place, kind in enumerate(kinds):
        yield from judge(kind, seed, range(place, count, len(kinds)))


def judge(kind: str, seed: int, numbers: Sequence[int]) -> Iterator[Result]:
    if not numbers:
        return
    worker = Worker(kind, seed)
    try:
        for number in numbers:
            yield worker.judge(number)
    finally:
        worker.close()


def table(results: Sequence[Result]) -> str:
    """Text table with a row per kind and one for their sum."""
    header = ["kind", "files", *COLUMNS.values(), "slowest, CPU s", "most, MiB"]
    rows = []
    for kind in (*dict.fromkeys(result.kind for result in results), "all"):
        found = [result for result in results if kind in (result.kind, "all")]
        counts = Counter(result.verdict for result in found)
        slowest = max(result.seconds for result in found)
        most = max(result.grown for result in found) / 2**20
        numbers = [len(found), *(counts[verdict] for verdict in COLUMNS)]
        rows.append([kind, *map(str, numbers), f"{slowest:.2f}", f"{most:.0f}"])
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    lines = [
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in [header, *rows]
    ]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=2000, help="damaged files (2000)")
    parser.add_argument("--seed", type=int, default=0, help="random seed (0)")
    parser.add_argument("--kinds", default=",".join(NAMES), help="separated by commas")
    parser.add_argument("--only", type=int, help="number of a single damage")
    args = parser.parse_args()
    kinds = args.kinds.split(",")
    if args.only is None:
        results = list(run(args.count, args.seed, kinds))
    else:
        results = [r for kind in kinds for r in judge(kind, args.seed, [args.only])]
    print(table(results))
    failures = [result for result in results if result.verdict not in FINE]
    for result in failures:
        print(f"{result.verdict}: --kinds {result.kind} --seed {args.seed}", end=" ")
        print(f"--only {result.number} ({result.change}): {result.why}")
    if args.only is not None:
        print(results[0])
    return 1 if failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
