"""Opening of the HTML report: picture, findings in words, counts."""

import json
from types import SimpleNamespace

import pandas as pd
import pytest
from docutils.core import publish_parts
from jinja2 import Template

from support.paths import ROOT
from support.report_run import PAPERS
from support.verdict_table import ENTRIES, write_verdicts
from trajprompt.commands.report import main
from trajprompt.report.numbers.findings import labels, read_findings
from trajprompt.report.numbers.verdicts import count_verdicts
from trajprompt.report.pages.opening import finding
from trajprompt.report.read.cells import parse_entries


@pytest.fixture
def made(tmp_path):
    """Folder of a report with its opening."""
    settings = {"run": "invented", "run_seed": 7, "suites": ["reach"], "seeds": [0, 1]}
    settings |= {"entries": ENTRIES, "papers": str(PAPERS)}
    claims = write_verdicts(tmp_path / "claims.csv")
    arguments = ["opening", "--settings", json.dumps(settings), "--claims", str(claims)]
    main([*arguments, "--out", str(tmp_path)])
    return tmp_path


def test_findings_have_verdict_interval_and_the_papers_value(tmp_path):
    rows = read_findings(write_verdicts(tmp_path / "claims.csv"))
    names = labels({entry.id: entry for entry in parse_entries(ENTRIES)})
    found = [finding(row, names) for _, row in rows.iterrows()]
    assert found[0] == (
        "PTDT-online beats Prompt-DT (not tuned) on Cheetah-vel: too noisy, "
        "2.2 [-3.3, 7.7], δ 2.0; paper 4.0"
    )
    assert found[2].endswith("on Ant-dir: not tested; paper 1.0")
    assert found[3].endswith("on average: contradicted, -9.0 [-12.0, -6.0], δ 2.0")


def test_the_opening_has_the_picture_then_the_findings_then_the_counts(made):
    page = (made / "pages/opening.html").read_text()
    front = (made / "front.html").read_text()
    assert front in page and "<html" not in front
    order = [
        front.index(text) for text in ("<img", "Prompt-Tuning DT", "<strong>too noisy")
    ]
    order += [front.index("Prompt-Tuning Bandits"), front.index("All claims")]
    assert order == sorted(order)
    assert front.count("<li>") == 5 == len(pd.read_csv(made / "tables/headline.csv"))
    for name, count in count_verdicts(pd.read_csv(made / "claims.csv"))[False].items():
        assert f"{count} {name}" in front


def test_the_html_report_begins_with_it(made, monkeypatch):
    """Snakemake renders workflow.rst in this way, in the working directory."""
    folder = made / "results/invented"
    folder.mkdir(parents=True)
    (folder / "5_report").symlink_to(made)
    (made / "summary.csv").write_text("run,invented\n")
    monkeypatch.chdir(made)
    text = (ROOT / "workflow/report/workflow.rst").read_text()
    snakemake = SimpleNamespace(config={"run": "invented"})
    rendered = Template(text).render(snakemake=snakemake)
    body = publish_parts(rendered, writer_name="html")["html_body"]
    places = [body.index(text) for text in ("<img", "<h2>Findings", "How to read it")]
    assert places == sorted(places) and "system-message" not in body
