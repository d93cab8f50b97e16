"""Summary and provenance of a report, in a few lines and as a page."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from trajprompt.report.numbers.verdicts import (
    CONTRAST_COLUMNS,
    count_verdicts,
    counts_text,
)
from trajprompt.report.pages.formats import grid
from trajprompt.report.pages.html import collapsible, from_markdown
from trajprompt.report.pages.record import machine
from trajprompt.report.read.tables import read_table
from trajprompt.rollout.opengl import NO_OPENGL
from trajprompt.tasks.registry import get_suite

Lines = list[tuple[str, str]]  # name, value
# Names of the counts of `count_verdicts`; claims.md has the same counts.
COUNTED = {
    False: "verdicts on the papers' claims, each contrast of a suite once",
    True: "verdicts on our own questions, each contrast of a suite once",
}


def summary(
    config: Mapping[str, Any],
    suites: Sequence[str],
    attributes: Mapping[str, str],
    outputs: Sequence[Path],
    missing: Sequence[str] = (),
) -> Lines:
    """Lines on the run; the verdicts are counted in claims.csv among ``outputs``.

    ``suites`` are those in which the run has a cell.
    ``missing`` are the videos that were not made because no OpenGL works.
    """
    here, libraries = machine(), json.loads(attributes["libraries"])
    versions = ", ".join(f"{name} {version}" for name, version in libraries.items())
    size = f"{len(suites)} suites, {len(config['seeds'])} seed(s), "
    size += f"{_episodes(config, suites)} test episodes per task and prompt"
    processor = f"{here['processor']}, {here['cores']} cores, {here['memory_gib']} GiB"
    lines = [("run", f"{config['run']}: {size}")]
    lines += [line for path in outputs for line in _verdicts(path)]
    if missing:
        lines += [("videos that are missing", f"{', '.join(missing)}: {NO_OPENGL}")]
    lines += [
        ("machine", f"{processor}, {here['system']}"),
        ("code", f"trajprompt {attributes['trajprompt']}, commit {attributes['commit']}"),
        ("libraries", f"Python {here['python']}, {versions}"),
    ]
    return lines


def _episodes(config: Mapping[str, Any], suites: Sequence[str]) -> str:
    """Numbers of test episodes: ``4``, or ``1 (reach), 50 (ant-dir, cheetah-dir)``.

    From equal resets, one is played; those from varied starts are not counted.
    """
    by_count: dict[int, list[str]] = {}
    changes = config["evaluate"].get("suites", {})  # records of older runs have none
    for suite in suites:
        count = (changes.get(suite) or {}).get("episodes") or config["evaluate"]["episodes"]
        equal = get_suite(suite).deterministic_resets
        by_count.setdefault(1 if equal else count, []).append(suite)
    if len(by_count) == 1:
        return str(*by_count)
    return ", ".join(
        f"{count} ({', '.join(by_count[count])})" for count in sorted(by_count)
    )


def _verdicts(path: Path) -> Lines:
    if path.name != "claims.csv":
        return []
    columns = ["claim", "verdict", *CONTRAST_COLUMNS]
    counts = count_verdicts(read_table(path, "snakemake", columns))
    return [(name, counts_text(counts[ours])) for ours, name in COUNTED.items()]


def to_csv(lines: Lines) -> str:
    """CSV text of the lines, without a header."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue()


def record_page(
    lines: Lines, config: Mapping[str, Any], attributes: Mapping[str, str]
) -> str:
    """HTML of the lines, the configuration, and every input with its hash."""
    inputs = json.loads(attributes["inputs"])
    hashes = [[path, digest] for path, digest in inputs.items()]
    text = yaml.safe_dump(dict(config), sort_keys=False, width=100)
    return "".join(
        (
            from_markdown(f"# Provenance of this report\n\n{grid(['', ''], lines, 2)}"),
            collapsible("Configuration", from_markdown(f"```yaml\n{text}```\n")),
            collapsible(
                f"Input files ({len(inputs)})",
                from_markdown(grid(["file", "SHA-256, first 16 digits"], hashes, 2)),
            ),
        )
    )
