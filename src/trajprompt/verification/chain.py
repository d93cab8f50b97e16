"""Walks a run's chain of records and says of every file how it stands.

Bytes are compared with the record of the job that made the file, inputs with the records
of the jobs that made those: so a file that was altered is blamed, not those made from it.
"""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trajprompt.artifacts.atomic import file_hash
from trajprompt.artifacts.records import REPORT_RECORD, SUFFIX, Record, read_record
from trajprompt.artifacts.resources import SUFFIX as RESOURCES
from trajprompt.config.wrong_keys import Config
from trajprompt.errors import TrajpromptError
from trajprompt.verification.jobs import Job, jobs_of

WHOLE, STALE, FOREIGN = "whole", "stale", "foreign"
ALTERED, MISSING = "altered", "missing"
STATUSES = (WHOLE, STALE, FOREIGN, ALTERED, MISSING)
# What tells the jobs of a stage apart: other values are another job's, not newer ones.
COORDINATES = ("suite", "backbone", "condition", "method", "seed")
HTML_REPORT = "report.html"  # Snakemake makes it of the files: no part of the chain


@dataclass(frozen=True)
class Finding:
    file: str  # relative to the run's folder
    status: str
    why: str = ""


def judge(folder: Path, config: Config | None = None) -> list[Finding]:
    """One finding for every file in a run's folder, and for every one that is missing.

    Without a ``config`` nothing is known of what should be there, nor of its settings.
    """
    chain = Chain(folder, config)
    for name in sorted(chain.records):  # stages are numbered: inputs come first
        chain.judge_job(name)
    chain.judge_strangers()
    chain.judge_absent()
    return [chain.findings[file] for file in sorted(chain.findings)]


class Chain:
    """The records of one run and what was found so far."""

    def __init__(self, folder: Path, config: Config | None):
        self.folder = folder
        self.findings: dict[str, Finding] = {}
        self.recorded: dict[str, str] = {}  # file -> hash, by the job that made it
        self.records = self._read_records()
        self.wanted: dict[str, Job] | None = None
        if config is not None:
            self.wanted = _wanted(config)
            self.run = config["run"]
        else:
            runs = Counter(str(r.settings.get("run")) for r in self.records.values())
            self.run = runs.most_common(1)[0][0] if runs else folder.name

    def judge_job(self, name: str) -> None:
        """The outputs of the job whose record is the file ``name``."""
        record = self.records[name]
        foreign, stale = self._foreign(name), self._stale(name)
        for output, recorded in record.outputs.items():
            file = os.path.normpath(os.path.join(os.path.dirname(name), output))
            self.recorded[file] = recorded
            path = self.folder / file
            if not path.is_file():
                self._find(file, MISSING, f"its record {name} is there")
            elif foreign:
                self._find(file, FOREIGN, foreign)
            elif (found := file_hash(path)) != recorded:
                self._find(file, ALTERED, f"hash {found}, {recorded} when it was made")
            elif stale:
                self._find(file, STALE, stale)
            else:
                self._find(file, WHOLE)

    def judge_strangers(self) -> None:
        """Files that no job recorded."""
        for path in self._files():
            file = str(path.relative_to(self.folder))
            if file in self.records or file in self.findings or self._measures(path):
                continue
            if ".part" in path.suffixes and path.name.startswith("."):
                why = "left by a killed process, the next one that writes there removes it"
            elif path.suffixes[-2:] == [".checkpoint", ".h5"]:
                why = "the checkpoint of a job that has not ended"
            else:
                why = "no record of what made it"
            self._find(file, FOREIGN, why)

    def _measures(self, path: Path) -> bool:
        """Whether a file holds what a recorded job used; such files have no hashes."""
        if not path.name.endswith(RESOURCES):
            return False
        record = path.with_name(path.name.removesuffix(RESOURCES) + SUFFIX)
        return str(record.relative_to(self.folder)) in self.records

    def judge_absent(self) -> None:
        """Files that the configuration asks for."""
        for job in (self.wanted or {}).values():
            for file in job.outputs or (job.record,):  # the report's outputs vary
                if file not in self.findings and file not in self.records:
                    self._find(file, MISSING, f"never made, or removed with {job.record}")

    def _foreign(self, name: str) -> str:
        """Why a job is not one of this run, or nothing."""
        record = self.records[name]
        if record.settings.get("run") != self.run:
            return f"of run '{record.settings.get('run')}', not '{self.run}'"
        if self.wanted is None or record.stage == "calibrate":  # no part of any run
            return ""
        job = self.wanted.get(name)
        if job is None or job.stage != record.stage:
            return f"the configuration asks for no such job of {record.stage}"
        for key in COORDINATES:
            found, expected = record.settings.get(key), job.settings.get(key)
            if found != expected and record.stage != "report":
                return f"made for {key} {found}, not {expected}"
        return ""

    def _stale(self, name: str) -> str:
        """Why a job would give something else now, or nothing."""
        record = self.records[name]
        job = (self.wanted or {}).get(name)
        if job is not None and job.settings != record.settings:
            keys = _differences(job.settings, record.settings)
            return f"made with other settings: {', '.join(keys)}"
        for path, recorded in record.inputs.items():
            file = self._inside(path)
            if file in self.findings and self.findings[file].status == STALE:
                return f"made from {file}, which is stale"
            now = self.recorded.get(file) or _hash_now(self.folder / file)
            if now not in (None, recorded):
                return f"made from another {file}: hash {recorded}, now {now}"
        return ""

    def _inside(self, path: str) -> str:
        """An input as a path from the run's folder; absolute if it lies elsewhere.

        Jobs name their inputs ``results/<run>/…``; the folder may have moved since.
        """
        parts = Path(path).parts
        for i in range(len(parts) - 1):
            if parts[i : i + 2] == ("results", self.run):
                return os.path.join(*parts[i + 2 :])
        return os.path.abspath(path)

    def _find(self, file: str, status: str, why: str = "") -> None:
        self.findings[file] = Finding(file, status, why)

    def _read_records(self) -> dict[str, Record]:
        records = {}
        for path in self._files():
            if path.name.endswith(SUFFIX) or path.name == REPORT_RECORD:
                file = str(path.relative_to(self.folder))
                try:
                    records[file] = read_record(path)
                except TrajpromptError as error:
                    self._find(file, ALTERED, str(error))
        return records

    def _files(self) -> Iterator[Path]:
        for path in sorted(self.folder.rglob("*")):
            if path.is_file() and path != self.folder / HTML_REPORT:
                yield path


def _wanted(config: Config) -> dict[str, Job]:
    """The jobs by their records; a record's configuration may be damaged."""
    try:
        return {job.record: job for job in jobs_of(config)}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        found = f"damaged ({type(error).__name__}: {error})"
        raise TrajpromptError("the run's configuration", found, "all keys") from error


def _hash_now(path: Path) -> Any:
    """None for a file that is gone: nobody can say that it has changed."""
    return file_hash(path) if path.is_file() else None


def _differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """The keys, dotted where they are of parts, whose values differ."""
    found: list[str] = []
    for key in sorted({*one, *other}):
        first, second = one.get(key), other.get(key)
        if isinstance(first, Mapping) and isinstance(second, Mapping):
            found += [f"{key}.{inner}" for inner in _differences(first, second)]
        elif first != second:
            found.append(key)
    return found
