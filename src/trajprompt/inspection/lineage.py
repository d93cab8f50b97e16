"""Provenance of an artifact: the chain of records down to the data."""

from collections.abc import Iterator
from pathlib import Path

from trajprompt.artifacts.records import REPORT_RECORD, Record, find_record
from trajprompt.inspection import text

MAX_INPUTS = 20  # shown per record; a report has hundreds, each with further inputs


def describe(path: Path) -> list[str]:
    """Sections that ``trajprompt inspect`` prints for a file's record, if any."""
    record = find_record(path)
    if record is None:
        return []
    tree = list(_inputs(record)) or ["nothing: its stage has no inputs"]
    made_from = text.section(
        "made from (with the hash of each file when it was read)", tree
    )
    if path.suffix != ".csv":  # the attributes above already show its settings
        return [made_from]
    made_by = {"stage": record.stage, **record.versions, "settings": record.settings}
    if record.path.name == REPORT_RECORD:
        made_by["settings"] = f"the configuration in {record.path}"
    title = f"made by (from {record.path.name})"
    return [text.section(title, text.attributes(made_by)), made_from]


def _inputs(record: Record, above: tuple[Path, ...] = ()) -> Iterator[str]:
    """Inputs of a job, one line each, followed by the indented inputs of the job behind it.

    ``above`` are the records that led here; they break the cycles of a damaged record.
    """
    if len(record.inputs) > MAX_INPUTS:
        yield f"{len(record.inputs)} files; {record.path} lists them with their hashes"
        return
    for name, recorded in sorted(record.inputs.items()):
        file = _locate(record, name)
        maker = find_record(file)
        now = maker.hash_of(file) if maker else recorded
        change = "" if now == recorded else f", remade since: {now}"
        yield f"{recorded}  {text.printable(name)}{change}"
        if maker is not None and maker.path.resolve() not in above:
            chain = (*above, maker.path.resolve())
            yield from (f"    {line}" for line in _inputs(maker, chain))


def _locate(record: Record, name: str) -> Path:
    """Path of an input, relative to this folder or to one above the job's record."""
    above = (folder / name for folder in record.path.resolve().parents)
    return next((file for file in (Path(name), *above) if file.is_file()), Path(name))
