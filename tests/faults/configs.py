"""Check that invalid configurations are refused with file and key; count and time them.

    python tests/faults/configs.py                  in this process
    python tests/faults/configs.py --snakemake      with one `snakemake -n` per case

The exit status is 1 if a case is accepted, or if its error omits the file or the key.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from invalid_configs import PLAIN, ROOT, Case, cases

from trajprompt.report.read.papers import read_papers

PARTS = "Snakefile profiles workflow src envs requirements.lock".split()
LIMIT = 60.0  # seconds per dry run; a later answer is a failure


@dataclass(frozen=True)
class Outcome:
    case: Case
    problem: str  # "" if it was refused as expected
    seconds: float  # wall time
    cpu_seconds: float


def in_process(folder: Path) -> Callable[[Case], str]:
    """Return a check with `load_config`, which returns the problem of a case or ""."""
    from trajprompt.config.load import load_config
    from trajprompt.errors import TrajpromptError

    write_lower_layers(folder)

    def check(case: Case) -> str:
        path = folder / PLAIN
        path.write_text(case.text)
        try:
            load_config([path])
        except TrajpromptError as error:
            return _unnamed(str(error), case)
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        return "accepted"

    return check


def by_snakemake(folder: Path) -> Callable[[Case], str]:
    """Return a check with a dry run in a copy of the workflow, as `in_process` does."""
    for part in PARTS:
        (folder / part).symlink_to(ROOT / part)
    write_lower_layers(folder)
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}

    def check(case: Case) -> str:
        (folder / PLAIN).write_text(case.text)
        command = [sys.executable, "-m", "snakemake", "-n", "--cores", "1"]
        options = {"cwd": folder, "env": environment, "timeout": LIMIT}
        try:
            done = subprocess.run(command, capture_output=True, text=True, **options)
        except subprocess.TimeoutExpired:
            return f"no answer in {LIMIT:.0f} s"
        started = [name for name in ("results", "logs") if (folder / name).exists()]
        if done.returncode == 0 or started:
            return f"accepted, {started}"
        return _unnamed(done.stdout + done.stderr, case)

    return check


def write_lower_layers(folder: Path) -> None:
    """Write an empty preset and empty papers: each case is a complete configuration."""
    (folder / "presets").mkdir()
    (folder / "presets/laptop.yaml").write_text("preset: laptop\n")
    for paper, _ in read_papers(ROOT / "papers"):
        target = folder / "papers" / paper.key
        target.mkdir(parents=True)
        about = {"name": paper.name, "title": paper.title, "arxiv": paper.arxiv}
        (target / "paper.yaml").write_text(json.dumps(about))


def _unnamed(error: str, case: Case) -> str:
    where = f"{PLAIN}: {case.key}: " if case.key else f"{PLAIN}: "
    missing = [word for word in (where, *case.words) if word not in error]
    return f"without {missing}: {error[-300:]}" if missing else ""


def judge(check: Callable[[Case], str], chosen: Sequence[Case]) -> list[Outcome]:
    outcomes = []
    for case in chosen:
        began, cpu = time.monotonic(), _cpu()
        problem = check(case)
        times = (time.monotonic() - began, _cpu() - cpu)
        outcomes.append(Outcome(case, problem, *times))
    return outcomes


def _cpu() -> float:
    """CPU seconds of this process and of its finished children."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def report(outcomes: Sequence[Outcome]) -> int:
    bad = [outcome for outcome in outcomes if outcome.problem]
    for outcome in bad:
        print(f"NOT REFUSED: {outcome.case.name}: {outcome.problem}")
    slowest = max(outcomes, key=lambda outcome: outcome.seconds)
    print(f"{len(outcomes)} invalid configurations, {len(outcomes) - len(bad)} refused")
    print(f"slowest: {slowest.seconds:.2f} s, {slowest.cpu_seconds:.2f} CPU-s", end=" ")
    print(f"({slowest.case.name})")
    return 1 if bad else 0


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--snakemake", action="store_true", help="one dry run per case")
    parser.add_argument("--count", type=int, help="number of cases, evenly spread")
    args = parser.parse_args()
    chosen = cases()
    if args.count:
        chosen = chosen[:: max(1, len(chosen) // args.count)][: args.count]
    os.chdir(ROOT)
    folder = Path(tempfile.mkdtemp())
    try:
        make = by_snakemake if args.snakemake else in_process
        return report(judge(make(folder), chosen))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    raise SystemExit(main())
