"""What made an artifact, and what made that: the chain of records down to the data."""

from collections.abc import Iterator
from pathlib import Path

from trajprompt.artifacts.records import REPORT_RECORD, Record, find_record
from trajprompt.inspection import text

LARGEST_TREE = 20  # inputs; a report has hundreds, each with inputs of its own


def describe(path: Path) -> list[str]:
    """The sections that ``trajprompt inspect`` prints of a file's record; none without."""
    record = find_record(path)
    if record is None:
        return []
    tree = list(_inputs(record)) or ["nothing: it is the beginning"]
    made_from = text.section("made from, each file with its hash when it was read", tree)
    if path.suffix != ".csv":  # it holds in itself what made it, shown above
        return [made_from]
    made_by = {"stage": record.stage, **record.versions, "settings": record.settings}
    if record.path.name == REPORT_RECORD:
        made_by["settings"] = f"the configuration in {record.path}"
    title = f"made by, as {record.path.name} says"
    return [text.section(title, text.attributes(made_by)), made_from]


def _inputs(record: Record, above: tuple[Path, ...] = ()) -> Iterator[str]:
    """The inputs of a job, a line each, and indented below it those of its own job.

    ``above`` are the records that led here: a damaged one may name what it made itself.
    """
    if len(record.inputs) > LARGEST_TREE:
        yield f"{len(record.inputs)} files; {record.path} lists them with their hashes"
        return
    for name, recorded in sorted(record.inputs.items()):
        file = _locate(record, name)
        maker = find_record(file)
        now = maker.hash_of(file) if maker else recorded
        anew = "" if now == recorded else f", made anew since: {now}"
        yield f"{recorded}  {text.printable(name)}{anew}"
        if maker is not None and maker.path.resolve() not in above:
            chain = (*above, maker.path.resolve())
            yield from (f"    {line}" for line in _inputs(maker, chain))


def _locate(record: Record, name: str) -> Path:
    """An input as its job named it, from here or from a folder above the job's record."""
    above = (folder / name for folder in record.path.resolve().parents)
    return next((file for file in (Path(name), *above) if file.is_file()), Path(name))
