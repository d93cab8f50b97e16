"""docs/results.md: generated from the kept run, and errors for folders that are no run."""

import json
import shutil
from pathlib import Path

import pytest

from support.paths import ROOT
from trajprompt.config import cells
from trajprompt.errors import TrajpromptError
from trajprompt.report.pages.results import results_page

RUN, PAGE = Path("results/reference/laptop"), Path("docs/results.md")


@pytest.fixture(autouse=True)
def in_the_repository(monkeypatch):
    monkeypatch.chdir(ROOT)


def test_the_page_is_the_one_of_the_kept_run():
    assert PAGE.read_text() == results_page(RUN, PAGE, cells.made), (
        f"run `trajprompt results {RUN}`"
    )


def test_every_table_and_figure_is_shown():
    config = json.loads((RUN / "record.json").read_text())["config"]
    text = PAGE.read_text()
    made = cells.made(config)
    for name, entry in {**config["tables"], **config["figures"]}.items():
        assert (f"### {entry['title']}\n" in text) == (name in made)


def test_the_best_checkpoint_is_linked_only_where_an_entry_is_tuned():
    text = PAGE.read_text()
    assert "ptdt_table2_best.md" in text
    assert "offline_best.md" in text and "offline_best_best.md" not in text


def test_a_folder_without_a_record_is_named(tmp_path):
    with pytest.raises(
        TrajpromptError, match=r"no record.json; expected the report folder"
    ):
        results_page(tmp_path, tmp_path / "page.md", cells.made)


def test_a_missing_file_is_named(tmp_path):
    shutil.copy(RUN / "record.json", tmp_path)
    with pytest.raises(TrajpromptError, match=r"summary.csv: missing"):
        results_page(tmp_path, tmp_path / "page.md", cells.made)
