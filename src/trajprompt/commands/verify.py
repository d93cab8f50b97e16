"""Check that a run's files belong together: from its data to its report, nothing else.

A file is whole; stale (its job would give something else now: other settings, or an input
that was made anew); foreign (no job of this run made it); altered (not the bytes that its
job wrote); or missing. The exit code is 0 if all are whole.
"""

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from trajprompt.commands.process import run_stage
from trajprompt.errors import TrajpromptError

if TYPE_CHECKING:
    from trajprompt.config.wrong_keys import Config
    from trajprompt.verification.chain import Finding

EXAMPLES = """examples:
  trajprompt verify results/laptop
  trajprompt verify results/smoke --config config.yaml presets/smoke.yaml"""


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="trajprompt verify",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, help="results/<run>")
    parser.add_argument(
        "--config",
        nargs="+",
        metavar="FILE",
        help="config files of the run now; default: the configuration that its report had",
    )
    args = parser.parse_args(argv)
    verify(args.folder, args.config)


def verify(folder: Path, config_files: Sequence[str] | None = None) -> None:
    """Print a table and a line for every file that is not whole; raise if there is one."""
    from trajprompt.verification.chain import WHOLE, judge

    if not folder.is_dir():
        raise TrajpromptError(folder, "no such folder", "results/<run>")
    config = _config(folder, config_files)
    if config is None:
        print("no report yet: give --config to have settings and missing files checked\n")
    findings = judge(folder, config)
    if not findings:
        raise TrajpromptError(folder, "an empty folder", "the results of a run")
    print("\n".join(_table(findings)))
    wrong = [finding for finding in findings if finding.status != WHOLE]
    print("".join(f"\n{f.status:8} {f.file}: {f.why}" for f in wrong))
    if wrong:
        found = f"{len(wrong)} of {len(findings)} files are not whole"
        remedy = "remove what is foreign or altered; `snakemake` makes the rest again"
        raise TrajpromptError(folder, found, remedy=remedy)
    print(f"{folder}: all {len(findings)} files are whole")


def _config(folder: Path, files: Sequence[str] | None) -> "Config | None":
    from trajprompt.artifacts.records import read_record
    from trajprompt.config.load import load_config
    from trajprompt.verification.jobs import REPORT

    if files:
        return load_config(files)
    report = folder / REPORT
    # Not checked again: what it names, such as a user's own data, may since be gone.
    return read_record(report).settings if report.is_file() else None


def _table(findings: "Sequence[Finding]") -> list[str]:
    from trajprompt.inspection.text import table
    from trajprompt.verification.chain import STATUSES

    counts: dict[str, Counter[str]] = {}
    for finding in findings:
        stage = Path(finding.file).parts[0]
        counts.setdefault(stage, Counter())[finding.status] += 1
    rows = [
        (stage, count.total(), *(count[status] for status in STATUSES))
        for stage, count in sorted(counts.items())
    ]
    return table(("stage", "files", *STATUSES), rows)


if __name__ == "__main__":
    raise SystemExit(run_stage(main))
