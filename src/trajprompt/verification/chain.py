"""Classify every file of a run by its records: whole, stale, foreign, altered, missing.

A file's bytes are compared with the record of the job that made it. Recorded inputs are
compared with the records of the jobs that made the inputs. So an altered file is reported
itself, and not the files made from it.
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
# Settings that identify a job of a stage: another value means another job, not a stale one.
COORDINATES = ("suite", "backbone", "condition", "method", "seed")
HTML_REPORT = "report.html"  # made by Snakemake from the files, without a record


@dataclass(frozen=True)
class Finding:
    file: str  # relative to the run's folder
    status: str
    why: str = ""


def classify_files(folder: Path, config: Config | None = None) -> list[Finding]:
    """One finding for every file in a run's folder and for every missing file.

    Without ``config``, settings and missing files are not checked.
    """
    chain = Chain(folder, config)
    for name in sorted(chain.records):  # stages are numbered: inputs come first
        chain.classify_job(name)
    chain.classify_foreign()
    chain.classify_missing()
    return [chain.findings[file] for file in sorted(chain.findings)]


class Chain:
    """The records of one run and the findings so far."""

    def __init__(self, folder: Path, config: Config | None):
        self.folder = folder
        self.findings: dict[str, Finding] = {}
        self.recorded: dict[str, str] = {}  # file -> hash in the record of its job
        self.records = self._read_records()
        self.jobs: dict[str, Job] | None = None  # the configuration's jobs
        if config is not None:
            self.jobs = _jobs_by_record(config)
            self.run = config["run"]
        else:
            runs = Counter(str(r.settings.get("run")) for r in self.records.values())
            self.run = runs.most_common(1)[0][0] if runs else folder.name

    def classify_job(self, name: str) -> None:
        """Classify the outputs of the job whose record is the file ``name``."""
        record = self.records[name]
        foreign, stale = self._foreign(name), self._stale(name)
        for output, recorded in record.outputs.items():
            file = os.path.normpath(os.path.join(os.path.dirname(name), output))
            self.recorded[file] = recorded
            path = self.folder / file
            if not path.is_file():
                self._add(file, MISSING, f"only its record {name} exists")
            elif foreign:
                self._add(file, FOREIGN, foreign)
            elif (found := file_hash(path)) != recorded:
                self._add(file, ALTERED, f"hash {found}, recorded as {recorded}")
            elif stale:
                self._add(file, STALE, stale)
            else:
                self._add(file, WHOLE)

    def classify_foreign(self) -> None:
        """Classify files without a record as foreign."""
        for path in self._files():
            file = str(path.relative_to(self.folder))
            if (
                file in self.records
                or file in self.findings
                or self._has_recorded_job(path)
            ):
                continue
            if ".part" in path.suffixes and path.name.startswith("."):
                why = "left by a killed process; removed when its job runs again"
            elif path.suffixes[-2:] == [".checkpoint", ".h5"]:
                why = "checkpoint of an unfinished job"
            else:
                why = "no record of a job that made it"
            self._add(file, FOREIGN, why)

    def _has_recorded_job(self, path: Path) -> bool:
        """True if ``path`` contains the resources of a recorded job; it has no hash."""
        if not path.name.endswith(RESOURCES):
            return False
        record = path.with_name(path.name.removesuffix(RESOURCES) + SUFFIX)
        return str(record.relative_to(self.folder)) in self.records

    def classify_missing(self) -> None:
        """Classify absent files of the configuration's jobs as missing."""
        for job in (self.jobs or {}).values():
            for file in job.outputs or (job.record,):  # the report's outputs vary
                if file not in self.findings and file not in self.records:
                    self._add(file, MISSING, f"never made, or removed with {job.record}")

    def _foreign(self, name: str) -> str:
        """Reason why a job is not one of this run, or an empty string."""
        record = self.records[name]
        if record.settings.get("run") != self.run:
            return f"made by run '{record.settings.get('run')}', not '{self.run}'"
        if self.jobs is None or record.stage == "calibrate":  # not part of a run
            return ""
        job = self.jobs.get(name)
        if job is None or job.stage != record.stage:
            return f"the configuration has no such job of stage {record.stage}"
        for key in COORDINATES:
            found, expected = record.settings.get(key), job.settings.get(key)
            if found != expected and record.stage != "report":
                return f"made for {key} {found}, not {expected}"
        return ""

    def _stale(self, name: str) -> str:
        """Reason why a job's outputs are out of date, or an empty string."""
        record = self.records[name]
        job = (self.jobs or {}).get(name)
        if job is not None and job.settings != record.settings:
            keys = _differences(job.settings, record.settings)
            return f"made with other settings: {', '.join(keys)}"
        for path, recorded in record.inputs.items():
            file = self._inside(path)
            if file in self.findings and self.findings[file].status == STALE:
                return f"made from {file}, which is stale"
            now = self.recorded.get(file) or _hash_now(self.folder / file)
            if now not in (None, recorded):
                return f"made from another version of {file}: hash {recorded}, now {now}"
        return ""

    def _inside(self, path: str) -> str:
        """Path of an input relative to the run's folder; absolute if it is elsewhere.

        Records name inputs ``results/<run>/…``, even if the folder has been moved since.
        """
        parts = Path(path).parts
        for i in range(len(parts) - 1):
            if parts[i : i + 2] == ("results", self.run):
                return os.path.join(*parts[i + 2 :])
        return os.path.abspath(path)

    def _add(self, file: str, status: str, why: str = "") -> None:
        self.findings[file] = Finding(file, status, why)

    def _read_records(self) -> dict[str, Record]:
        records = {}
        for path in self._files():
            if path.name.endswith(SUFFIX) or path.name == REPORT_RECORD:
                file = str(path.relative_to(self.folder))
                try:
                    records[file] = read_record(path)
                except TrajpromptError as error:
                    self._add(file, ALTERED, str(error))
        return records

    def _files(self) -> Iterator[Path]:
        for path in sorted(self.folder.rglob("*")):
            if path.is_file() and path != self.folder / HTML_REPORT:
                yield path


def _jobs_by_record(config: Config) -> dict[str, Job]:
    """Record -> job; TrajpromptError if the configuration, from a record, is damaged."""
    try:
        return {job.record: job for job in jobs_of(config)}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        found = f"damaged ({type(error).__name__}: {error})"
        expected = "a complete configuration in the run's 5_report/record.json"
        remedy = "run `snakemake` to make the report again, or give --config"
        raise TrajpromptError("the run's configuration", found, expected, remedy) from error


def _hash_now(path: Path) -> Any:
    """Hash of the file; None if it no longer exists."""
    return file_hash(path) if path.is_file() else None


def _differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Keys, dotted if nested, that only one has or whose values differ."""
    found: list[str] = []
    for key in sorted({*one, *other}):
        first, second = one.get(key), other.get(key)
        if isinstance(first, Mapping) and isinstance(second, Mapping):
            found += [f"{key}.{inner}" for inner in _differences(first, second)]
        elif first != second or (key in one) != (key in other):
            found.append(key)
    return found
