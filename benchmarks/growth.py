"""Growth of time and memory with the size of the store, and with what is played.

    python benchmarks/growth.py [--largest 1e9] [--out growth] [--precision fp32]

Stores of random numbers, from 10 MB to ``--largest`` bytes: writing one, `inspect`,
`verify`, pretraining on all of its data (20 steps) and tuning with the method that changes
nothing. Played: evaluation against tasks x episodes, and one step of PTDT-online and
PTDT-offline against the number of candidates, with episodes of 50 steps. Each point is a
fresh process on one thread. Prints a table; ``--out`` is a stem for .csv, .svg and .png.
``--draw`` only draws the figure from the .csv again.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

POINTS = Path(__file__).with_name("growth_points.py")
ON_STORES = ("write", "pretrain", "tune", "inspect", "verify")  # the first makes the store
SMALLEST = 10**7  # bytes of a store
TASKS, EPISODES, CANDIDATES = (1, 3, 10, 30), (1, 3, 10, 30, 100), (2, 6, 20, 60, 200)
# panel -> label of its x axis
PANELS = {
    "store": "size of the store [bytes]",
    "played": "tasks × episodes",
    "candidates": "candidates of each of 5 prompts",
}
LABELS = {
    "write": "write",
    "pretrain": "pretrain, 20 steps",
    "tune": "tune, set-up",
    "inspect": "inspect",
    "verify": "verify",
    "episodes": "5 tasks × 1 to 100 episodes",
    "tasks": "1 to 30 tasks × 5 episodes",
    "online": "PTDT-online",
    "offline": "PTDT-offline",
}
COLUMNS = ("panel", "kind", "x", "cpu_s", "wall_s", "peak_mib")
Row = dict[str, float | str]


def plan(largest: float) -> Iterator[tuple[str, str, int, int]]:
    """Yield (panel, kind, argument of the point, x), in the order of measuring."""
    size = SMALLEST
    while size <= largest:
        for kind in ON_STORES:
            yield "store", kind, size, size
        if size == SMALLEST:  # its backbone and store are also those of the other panels
            for count in EPISODES:
                yield "played", "episodes", count, 5 * count
            for count in TASKS:
                yield "played", "tasks", count, 5 * count
            for kind in ("online", "offline"):
                for count in CANDIDATES:
                    yield "candidates", kind, count, count
        size *= 10


def measure(kind: str, argument: int, folder: Path, precision: str) -> Row:
    """Run one point in a fresh process; return its CPU and wall seconds and peak MiB."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GROWTH_PRECISION": precision}
    command = [sys.executable, POINTS, kind, folder, str(argument)]
    done = subprocess.run(command, env=environment, stdout=-1, stderr=-1, text=True)
    if done.returncode:
        raise SystemExit(f"{kind} {argument} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout)


def run(largest: float, scratch: Path, precision: str) -> list[Row]:
    """Measure all points; the store of a size replaces the one before."""
    rows: list[Row] = []
    print(f"{'panel':12}{'kind':10}{'x':>14}{'CPU s':>9}{'wall s':>9}{'peak MiB':>10}")
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        for panel, kind, argument, x in plan(largest):
            found = measure(kind, argument, Path(folder), precision)
            row = {"panel": panel, "kind": kind, "x": x}
            row |= {name: f"{value:.4g}" for name, value in found.items()}
            rows.append(row)
            texts = (f"{row[name]:>9}" for name in COLUMNS[3:])
            print(f"{panel:12}{kind:10}{x:14,}{''.join(texts)}", flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--largest", type=float, default=1e9, help="bytes of a store")
    parser.add_argument("--out", type=Path, default=Path("growth"), help="stem of files")
    parser.add_argument("--scratch", type=Path, default=Path("."), help="for the stores")
    parser.add_argument("--precision", default="auto", choices=["auto", "fp32", "bf16"])
    parser.add_argument("--draw", action="store_true", help="only draw --out's .csv")
    args = parser.parse_args()
    table = args.out.with_suffix(".csv")
    if not args.draw:
        rows = run(args.largest, args.scratch, args.precision)
        with table.open("w", newline="") as handle:
            writer = csv.DictWriter(handle, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        # Later, because the peak memory of a process includes that of its parent.
        from machine import print_machine

        print_machine()
    from growth_figure import draw

    draw(table, args.out, PANELS, LABELS)


if __name__ == "__main__":
    main()
