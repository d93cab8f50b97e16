"""The papers whose results are reproduced, one per folder of ``papers/``.

A folder contains ``paper.yaml``, ``claims.yaml`` and the printed values as CSV files named
by table. Imports nothing heavy: the workflow's rules use this module.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trajprompt.errors import TrajpromptError
from trajprompt.settings.parsing import read_yaml

THIS_REPOSITORY = "this repository"  # source of claims that are not from a paper
PAPER_FILE = "paper.yaml"
META = ("name", "title", "arxiv")  # keys of paper.yaml; all others are configuration
REMEDY = "see docs/add-a-paper.md for a complete folder"


@dataclass(frozen=True)
class Paper:
    """A paper, or the set of our own questions."""

    folder: Path
    name: str  # short, for headings
    title: str
    arxiv: str | None  # None: our own questions

    @property
    def key(self) -> str:
        """Name of the folder, by which tables, figures and targets refer to the paper."""
        return self.folder.name

    @property
    def source(self) -> str:
        """Name of the paper in claims and printed values, such as arXiv 2305.09648."""
        return f"arXiv {self.arxiv}" if self.arxiv else THIS_REPOSITORY


def list_papers(folder: str | Path) -> list[Paper]:
    """The papers in ``folder``, sorted by arXiv number, our own questions last."""
    return [paper for paper, _ in read_papers(folder)]


def read_papers(folder: str | Path) -> list[tuple[Paper, dict[str, Any]]]:
    """Each paper with the configuration in its ``paper.yaml``: all keys but `META`.

    Raises TrajpromptError if the folder is missing or a file is invalid.
    """
    folder = Path(folder)
    if not folder.is_dir():
        expected, remedy = "the folder of papers", "correct the key papers in the config"
        raise TrajpromptError(folder, "no such folder", expected, remedy)
    found = [_read(path) for path in sorted(folder.glob(f"*/{PAPER_FILE}"))]
    return sorted(found, key=lambda item: (item[0].arxiv is None, item[0].arxiv or ""))


def printed_files(folder: str | Path, name: str) -> list[Path]:
    """Files called ``name`` in the papers' folders, e.g. the printed values of a table."""
    return sorted(Path(folder).glob(f"*/{name}"))


def _read(path: Path) -> tuple[Paper, dict[str, Any]]:
    values = read_yaml(path, REMEDY)
    if not isinstance(values, dict):
        raise TrajpromptError(path, f"found {values!r:.60}", "a YAML mapping", REMEDY)
    name, title, arxiv = (values.get(key) for key in META)
    for key, value in (("name", name), ("title", title)):
        if not isinstance(value, str) or not value:
            raise TrajpromptError(f"{path}: {key}", f"found {value!r:.60}", "text", REMEDY)
    if "arxiv" not in values or not (arxiv is None or isinstance(arxiv, str)):
        expected = 'a quoted number such as "2305.09648", or null'
        raise TrajpromptError(f"{path}: arxiv", f"found {arxiv!r:.60}", expected, REMEDY)
    rest = {key: value for key, value in values.items() if key not in META}
    return Paper(path.parent, str(name), str(title), arxiv), rest
