"""Execute docs/add-a-paper.md: its folder is sufficient."""

import re

import pytest

from support import report_run
from support.paths import ROOT
from support.workflow_copy import Workflow
from trajprompt.config import cells as table_cells
from trajprompt.config.load import load_config
from trajprompt.errors import TrajpromptError
from trajprompt.report.numbers.cell_table import cell_table
from trajprompt.report.numbers.claims import read_ledger
from trajprompt.report.numbers.judge import judge
from trajprompt.report.numbers.plan import read_plan
from trajprompt.report.numbers.verdicts import VERDICTS
from trajprompt.report.read.budgets import Shares
from trajprompt.report.read.papers import THIS_REPOSITORY, list_papers, printed_files
from trajprompt.report.read.published import Published
from trajprompt.report.read.run import load_run

PAGE = (ROOT / "docs/add-a-paper.md").read_text()
FILES = re.findall(r"`(papers/few_candidates/[\w.]+)`:\n\n```\w+\n(.*?)```", PAGE, re.S)
CELLS = [("cheetah-vel", "expert", m) for m in ("none", "ptdt-few", "ptdt-offline")]


@pytest.fixture(scope="module")
def workflow(tmp_path_factory):
    """A copy of the repository with the files of the page."""
    made = Workflow(tmp_path_factory.mktemp("paper"))
    assert len(FILES) == 3
    for name, text in FILES:
        path = made.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return made


@pytest.fixture(scope="module")
def papers(workflow):
    return workflow.folder / "papers"


@pytest.mark.parametrize("preset", ["laptop", "smoke", "paper"])
def test_every_preset_has_its_cells(workflow, preset):
    folder = workflow.folder
    made = load_config([folder / "config.yaml", folder / f"presets/{preset}.yaml"])
    assert table_cells.cells(made, ("few_table1",)) == CELLS
    assert made["tables"]["few_table1"]["paper"] == "few_candidates"
    base = made["methods"]["ptdt-offline"]["options"]
    assert made["methods"]["ptdt-few"]["options"] == {**base, "candidates": 5, "ranked": 5}


def test_its_folder_is_a_target(workflow):
    done = workflow.snakemake("-n", "few_candidates", "--config", "preset=smoke")
    assert done.returncode == 0, done.stdout + done.stderr
    counts = dict(re.findall(r"^(\w+) +(\d+)$", done.stdout + done.stderr, re.M))
    assert counts["few_table1"] == counts["few_candidates"] == counts["pretrain"] == "1"
    assert counts["tune"] == counts["evaluate"] == "3"
    listed = workflow.snakemake("--list").stdout
    assert "Few Candidates" in listed


def test_it_precedes_our_own_questions(papers):
    assert [paper.key for paper in list_papers(papers)][-2:] == ["few_candidates", "own"]
    ledger = read_ledger(papers)
    claimed = list(dict.fromkeys(claim.paper for claim in ledger.claims))
    assert claimed[-2:] == ["arXiv 2601.00001", THIS_REPOSITORY]
    assert ledger.names["arXiv 2601.00001"] == "Few Candidates"


def test_its_table_and_its_claim_are_made(papers, tmp_path, monkeypatch):
    """With the files of an invented run."""
    few = {"ptdt-few": ("few-shot", "ptdt-few", 0.02)}
    monkeypatch.setattr(report_run, "COLUMNS", {**report_run.COLUMNS, **few})
    made = report_run.make_run(tmp_path, ("cheetah-vel",))
    printed = printed_files(papers, "few_table1.csv")
    run = load_run(made.settings, made.evaluations, made.stores, (), printed)
    rows = cell_table(run).set_index("column")
    assert rows.loc["ptdt-few", "published"] == -42.0
    assert rows.loc["ptdt-few", "source"] == "arXiv 2601.00001 Table 1"
    ledger = read_ledger(papers)
    plan, shares = read_plan(papers, ledger), Shares(papers)
    ledger = type(ledger)([c for c in ledger.claims if c.table == "few_table1"])
    tables = {"few_table1": Published(printed)}
    (row,) = judge(ledger, run, tables, plan, shares).to_dict("records")
    assert row["verdict"] in VERDICTS and row["seeds"] == 3
    assert row["published_supports"] == "yes"


def test_a_name_that_another_paper_has_is_refused(workflow, papers):
    file = papers / "few_candidates/paper.yaml"
    text = file.read_text()
    file.write_text(text.replace("ptdt-few:", "ptdt-offline:"))
    with pytest.raises(TrajpromptError, match="few_candidates/paper.yaml: .*papers/ptdt"):
        load_config([workflow.folder / "config.yaml"])
    file.write_text(text)
