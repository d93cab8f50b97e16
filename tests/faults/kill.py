"""Kill a small run with SIGKILL at random moments, resume it, and compare the results.

    python tests/faults/kill.py --cycles 30

Each cycle starts a run from nothing and kills the main Snakemake, one of its jobs (the
client of the job server or the process of its command), the job server, or all processes
at a moment drawn uniformly from the duration of a run. It repeats the command until the
run finishes. Every file except measured times must then equal that of an
uninterrupted run and be readable, and nothing else may be left. The exit code is 0 only if
this holds in every cycle.
"""

import argparse
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from leftovers import differences, leftovers, unreadable

from support.workflow_copy import Workflow

VICTIMS = ("main", "job", "group", "server", "command")
SERVER = "trajprompt.job_server.server"
MAX_ATTEMPTS = 4  # repetitions of the command after the kill

# Every stage and every kind of method, but one suite and one backbone: an uninterrupted run
# takes half a minute.
OVERLAY = """
run: killed
suites: [cheetah-dir]
tables:
  mine:
    title: mine
    entries: [prompt-dt, prompt-dt-ft, ptdt-offline, ptdt-online]
report: [mine]
"""
CONFIG = ("--configfile", "presets/smoke.yaml", "killed.yaml")


@dataclass(frozen=True)
class Kill:
    victim: str  # one of VICTIMS
    after: float  # s after the start of the command


@dataclass
class Outcome:
    """Result of one cycle; all lists should be empty."""

    kills: tuple[Kill, ...]
    attempts: int  # repetitions of the command until it succeeded; 0: it never did
    different: list[str] = field(default_factory=list)
    corrupt: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    @property
    def identical(self) -> bool:
        return self.attempts > 0 and not (self.different or self.corrupt or self.left)


def prepare(folder: Path) -> Workflow:
    """A copy of the workflow with the configuration of the small run and no results."""
    folder.mkdir(parents=True)
    workflow = Workflow(folder)
    (folder / "killed.yaml").write_text(OVERLAY)
    # A checkpoint every 60 ms, so that resuming is tested at many steps.
    workflow.environment["TRAJPROMPT_CHECKPOINT_MINUTES"] = "0.001"
    return workflow


def uninterrupted(folder: Path, *arguments: str) -> tuple[Path, float]:
    """Results folder and duration in seconds of an uninterrupted run.

    ``arguments`` are further arguments of Snakemake.
    """
    workflow = prepare(folder)
    began = time.monotonic()
    done = workflow.snakemake(*CONFIG, *arguments)
    if done.returncode != 0:
        raise SystemExit(done.stdout[-4000:] + done.stderr[-4000:])
    return folder / "results/killed", time.monotonic() - began


def cycle(folder: Path, reference: Path, kills: Sequence[Kill]) -> Outcome:
    """Start a run from nothing, apply the kills, resume and compare."""
    workflow = prepare(folder)
    log = folder / "snakemake.log"
    for one in kills:
        process = workflow.start(*CONFIG, log=log)
        time.sleep(one.after)
        kill(psutil.Process(process.pid), one.victim)
        process.wait()
    outcome = Outcome(tuple(kills), _resume(workflow, log))
    if outcome.attempts:
        results = folder / "results/killed"
        outcome.different = differences(reference, results)
        outcome.corrupt = unreadable(results)
        outcome.left = leftovers(folder)
    return outcome


def kill(main: psutil.Process, victim: str) -> None:
    """Kill one of the processes of a run, or all of them.

    Without a running job or server, the main process is killed.
    """
    if not main.is_running() or main.status() == psutil.STATUS_ZOMBIE:
        return
    children = main.children(recursive=True)
    jobs = [process for process in children if _runs(process, "trajprompt.commands.")]
    servers = [process for process in main.children() if _runs(process, SERVER)]
    commands = [process for server in servers for process in server.children()]
    targets = {
        "main": [main],
        "job": jobs[:1],
        "group": [main, *children],
        "server": servers,
        "command": commands[:1],
    }
    for process in targets[victim] or [main]:
        try:
            process.send_signal(signal.SIGKILL)
        except psutil.NoSuchProcess:
            continue


def _runs(process: psutil.Process, module: str) -> bool:
    try:
        return any(part.startswith(module) for part in process.cmdline())
    except psutil.Error:
        return False


def _resume(workflow: Workflow, log: Path) -> int:
    """Repeat the command until it succeeds; return the number of attempts, or 0."""
    for attempt in range(1, MAX_ATTEMPTS + 1):
        if workflow.start(*CONFIG, log=log).wait() == 0:
            return attempt
    return 0


def harness(cycles: int, seed: int, folder: Path) -> list[Outcome]:
    """Run the cycles and print a line for each; keep the folders of failed ones."""
    reference, seconds = uninterrupted(folder / "uninterrupted")
    print(f"uninterrupted run: {seconds:.0f} s, {len(list(reference.rglob('*')))} files")
    generator = random.Random(seed)
    outcomes = []
    for number in range(cycles):
        one = Kill(VICTIMS[number % len(VICTIMS)], generator.uniform(0, seconds))
        here = folder / f"cycle{number}"
        outcome = cycle(here, reference, [one])
        outcomes.append(outcome)
        print(f"cycle {number}: {outcome}", flush=True)
        if outcome.identical:
            shutil.rmtree(here)
    return outcomes


def counts(outcomes: Sequence[Outcome]) -> dict[str, object]:
    """Counts for the documentation."""
    victims = Counter(kill.victim for outcome in outcomes for kill in outcome.kills)
    return {
        "kill -9 and resume cycles": len(outcomes),
        "killed": dict(victims),
        "identical to the uninterrupted run": sum(o.identical for o in outcomes),
        "finished differently": sum(o.attempts > 0 and not o.identical for o in outcomes),
        "did not finish": sum(o.attempts == 0 for o in outcomes),
        "commands until success": dict(Counter(outcome.attempts for outcome in outcomes)),
        "corrupt files": sum(len(outcome.corrupt) for outcome in outcomes),
        "files and processes left": sum(len(outcome.left) for outcome in outcomes),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cycles", type=int, default=30, help="number of cycles (30)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the moments (0)")
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="trajprompt-kill-"))
    print(f"in {folder}", flush=True)
    outcomes = harness(args.cycles, args.seed, folder)
    for name, value in counts(outcomes).items():
        print(f"{name}: {value}")
    if not all(outcome.identical for outcome in outcomes):
        raise SystemExit(1)
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
