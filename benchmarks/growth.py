"""Growth of time and memory with the size of the store, and with what is played.

    python benchmarks/growth.py [--largest 1e9] [--out growth] [--precision fp32]

Stores of random numbers, from 10 MB to ``--largest`` bytes: writing one, `inspect`,
`verify`, pretraining on all of its data (20 steps) and tuning with the method that changes
nothing. Played: evaluation against tasks x episodes, and one step of PTDT-online and
PTDT-offline against the number of candidates, with episodes of 50 steps. Each point is a
fresh process on one thread. Prints a table; ``--out`` is a stem for .csv, .svg and .png.
With ``--panels``, rows of the other panels in the .csv stay. ``--draw`` only draws.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

POINTS = Path(__file__).with_name("growth_points.py")
ON_STORES = ("write", "pretrain", "tune", "inspect", "verify")  # the first makes the store
SMALLEST = 10**7  # bytes of a store
TASKS, EPISODES = (1, 3, 10, 30), (1, 3, 10, 30, 100, 300)
CANDIDATES = (2, 6, 20, 60, 200, 600)
# panel -> label of its x axis
PANELS = {
    "store": "size of the store",
    "played": "tasks × episodes",
    "candidates": "candidates of each of 5 prompts",
}
LABELS = {
    "write": "write",
    "pretrain": "pretrain, 20 steps",
    "tune": "tune, set-up",
    "inspect": "inspect",
    "verify": "verify",
    "episodes": "5 tasks, 1 to 300 episodes",
    "tasks": "1 to 30 tasks, 5 episodes",
    "online": "PTDT-online",
    "offline": "PTDT-offline",
}
COLUMNS = ("panel", "kind", "x", "cpu_s", "wall_s", "peak_mib")
Row = dict[str, Any]


def plan(largest: float, panels: Sequence[str]) -> Iterator[tuple[str, str, int, int]]:
    """Yield (panel, kind, argument of the point, x), in the order of measuring.

    The smallest store and its backbone come first: the other panels use them.
    """
    yield from (("store", kind, SMALLEST, SMALLEST) for kind in ON_STORES)
    if "played" in panels:
        yield from (("played", "episodes", n, 5 * n) for n in EPISODES)
        yield from (("played", "tasks", n, 5 * n) for n in TASKS)
    if "candidates" in panels:
        for kind in ("online", "offline"):
            yield from (("candidates", kind, n, n) for n in CANDIDATES)
    size = 10 * SMALLEST
    while "store" in panels and size <= largest:
        yield from (("store", kind, size, size) for kind in ON_STORES)
        size *= 10


def measure(kind: str, argument: int, folder: Path, precision: str) -> Row:
    """Run one point in a fresh process; return its CPU and wall seconds and peak MiB."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GROWTH_PRECISION": precision}
    command = [sys.executable, POINTS, kind, folder, str(argument)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{kind} {argument} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout)


def run(args: argparse.Namespace) -> list[Row]:
    """Measure all points; the store of a size replaces the one before."""
    rows: list[Row] = []
    print(f"{'panel':12}{'kind':10}{'x':>14}{'CPU s':>9}{'wall s':>9}{'peak MiB':>10}")
    with tempfile.TemporaryDirectory(dir=args.scratch) as folder:
        for panel, kind, argument, x in plan(args.largest, args.panels):
            found = measure(kind, argument, Path(folder), args.precision)
            row: Row = {"panel": panel, "kind": kind, "x": x}
            row |= {name: f"{value:.4g}" for name, value in found.items()}
            rows.append(row)
            texts = (f"{row[name]:>9}" for name in COLUMNS[3:])
            print(f"{panel:12}{kind:10}{x:14,}{''.join(texts)}", flush=True)
    return [row for row in rows if row["panel"] in args.panels]


def write_table(path: Path, rows: list[Row]) -> None:
    """Write the rows; rows of panels that were not measured now stay in the file."""
    if path.is_file():
        measured = {row["panel"] for row in rows}
        with path.open(newline="") as handle:
            before = [r for r in csv.DictReader(handle) if r["panel"] not in measured]
        rows = sorted([*rows, *before], key=lambda row: list(PANELS).index(row["panel"]))
    with path.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--largest", type=float, default=1e9, help="bytes of a store")
    parser.add_argument("--panels", nargs="+", choices=PANELS, default=list(PANELS))
    parser.add_argument("--out", type=Path, default=Path("growth"), help="stem of files")
    parser.add_argument("--scratch", type=Path, default=Path("."), help="for the stores")
    parser.add_argument("--precision", default="auto", choices=["auto", "fp32", "bf16"])
    parser.add_argument("--draw", action="store_true", help="only draw --out's .csv")
    args = parser.parse_args()
    table = args.out.with_suffix(".csv")
    if not args.draw:
        write_table(table, run(args))
        # Later, because the peak memory of a process includes that of its parent.
        from machine import print_machine

        print_machine()
    from growth_figure import draw

    draw(table, args.out, PANELS, LABELS)


if __name__ == "__main__":
    main()
