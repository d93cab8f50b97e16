"""The papers whose results are reproduced: every folder of ``papers/`` is one.

A folder holds ``paper.yaml``, ``claims.yaml`` and the printed numbers as CSV files named
by table. Light: the workflow's rules ask, too.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trajprompt.errors import TrajpromptError
from trajprompt.settings.parsing import read_yaml

OWN = "this repository"  # in place of a paper, for claims of our own
PAPER_FILE = "paper.yaml"
META = ("name", "title", "arxiv")  # keys of paper.yaml; the others are configuration
REMEDY = "docs/add-a-paper.md shows a whole folder"


@dataclass(frozen=True)
class Paper:
    folder: Path
    name: str  # short, as headings have it
    title: str
    arxiv: str | None  # None: our own questions

    @property
    def key(self) -> str:
        """The name of its folder, by which tables, figures and targets call it."""
        return self.folder.name

    @property
    def source(self) -> str:
        """As claims and printed numbers name it."""
        return f"arXiv {self.arxiv}" if self.arxiv else OWN


def list_papers(folder: str | Path) -> list[Paper]:
    """The papers in ``folder`` in the order in which they appeared, our own last."""
    return [paper for paper, _ in read_papers(folder)]


def read_papers(folder: str | Path) -> list[tuple[Paper, dict[str, Any]]]:
    """Every paper with what its ``paper.yaml`` says besides its name, title and number."""
    folder = Path(folder)
    if not folder.is_dir():
        raise TrajpromptError(folder, "no such folder", "the folder of papers")
    found = [_read(path) for path in sorted(folder.glob(f"*/{PAPER_FILE}"))]
    return sorted(found, key=lambda item: (item[0].arxiv is None, item[0].arxiv or ""))


def printed_files(folder: str | Path, name: str) -> list[Path]:
    """The files called ``name`` in the papers' folders, e.g. one table's numbers."""
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
