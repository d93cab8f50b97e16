"""CSV tables: equal rows give equal text on every system."""

import csv
import gzip
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from trajprompt.artifacts.atomic import atomic_path, write_text

if TYPE_CHECKING:
    import pandas as pd


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    """CSV text of ``rows``, with floats in their shortest exact form."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def write_csv(path: str | Path, table: "pd.DataFrame") -> None:
    """Write a table as CSV, with floats rounded to six significant digits."""
    write_text(path, table.to_csv(index=False, float_format="%.6g", lineterminator="\n"))


def write_compressed_csv(path: str | Path, table: "pd.DataFrame") -> None:
    """Write a table as gzipped CSV without a time stamp; floats are not rounded."""
    text = table.to_csv(index=False, lineterminator="\n")
    with atomic_path(path) as temporary:
        temporary.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))
