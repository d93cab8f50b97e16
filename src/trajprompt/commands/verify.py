"""Check that the files of a run are complete, unchanged and consistent.

A file is whole; stale (its settings or inputs have changed since); foreign (no job of this
run made it); altered (its bytes are not those that its job wrote); or missing. The exit
code is 0 if all files are whole, else 2.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from trajprompt.commands.arguments import command_parser
from trajprompt.commands.process import run_stage
from trajprompt.errors import TrajpromptError

if TYPE_CHECKING:
    from trajprompt.config.wrong_keys import Config
    from trajprompt.verification.chain import Finding

EXAMPLES = ("results/laptop", "results/smoke --config config.yaml presets/smoke.yaml")


def main(argv: Sequence[str] | None = None) -> None:
    parser = command_parser("verify", __doc__, *EXAMPLES)
    parser.add_argument("folder", type=Path, help="folder of the run, e.g. results/laptop")
    parser.add_argument(
        "--config",
        nargs="+",
        metavar="FILE",
        help="YAML files of the run, config.yaml first (default: the configuration in the"
        " report of the run)",
    )
    args = parser.parse_args(argv)
    verify(args.folder, args.config)


def verify(folder: Path, config_files: Sequence[str] | None = None) -> None:
    """Print counts and every file that is not whole; TrajpromptError if there is any."""
    from trajprompt.verification.chain import WHOLE, classify_files

    if not folder.is_dir():
        expected, remedy = "the folder of a run, results/<run>", "correct the path"
        raise TrajpromptError(folder, "no such folder", expected, remedy)
    config = _config(folder, config_files)
    if config is None:
        print("no report yet: give --config to also check settings and missing files\n")
    findings = classify_files(folder, config)
    if not findings:
        found, remedy = "found an empty folder", "correct the path, or run `snakemake`"
        raise TrajpromptError(folder, found, "the results of a run", remedy)
    print("\n".join(_table(findings)))
    wrong = [finding for finding in findings if finding.status != WHOLE]
    print("".join(f"\n{f.status:8} {f.file}: {f.why}" for f in wrong))
    if wrong:
        found = f"{len(wrong)} of {len(findings)} files are not whole (listed above)"
        remedy = "remove foreign and altered files, then run `snakemake` to make the rest"
        raise TrajpromptError(folder, found, "only whole files", remedy)
    print(f"{folder}: all {len(findings)} files are whole")


def _config(folder: Path, files: Sequence[str] | None) -> "Config | None":
    from trajprompt.artifacts.records import read_record
    from trajprompt.config.load import load_config
    from trajprompt.verification.jobs import REPORT

    if files:
        return load_config(files)
    report = folder / REPORT
    # Not checked again: files that it names, e.g. the user's data, may be gone by now.
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
