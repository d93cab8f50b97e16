"""Intervals are named where there are some: in pictures, below tables and in captions."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from jinja2 import Template
from matplotlib.figure import Figure
from matplotlib.text import Text

from support import plots_run, report_run
from support.paths import ROOT
from support.plots_tables import FIGURES
from trajprompt.commands.figure import main as plot
from trajprompt.commands.report import main as report
from trajprompt.report.pages.markdown import about_intervals
from trajprompt.report.plots.inputs import WITH_TEXT, module_of

OF_PROMPTS = {"heat-maps", "denoising", "prompt-map"}  # not of means
NAME = "95 %"
FOLDER = ROOT / "workflow/report"
# But the one of the whole report, which explains verdicts, those of a single seed too.
CAPTIONS = [
    path
    for path in sorted(FOLDER.rglob("*.rst"))
    if NAME in path.read_text() and path.stem != "workflow"
]


@pytest.fixture
def drawn(monkeypatch) -> list[str]:
    """All texts of the pictures; SVG keeps letters as outlines."""
    found: list[str] = []
    plain = Figure.savefig

    def savefig(figure, *arguments, **options):
        found.extend(text.get_text() for text in figure.findobj(Text))
        plain(figure, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", savefig)
    return found


@pytest.mark.parametrize("kind", sorted(set(FIGURES) - OF_PROMPTS))
@pytest.mark.parametrize("seeds", [(0,), (0, 1)])
def test_figures(kind, seeds, tmp_path, drawn):
    entries, baseline = FIGURES[kind]
    made = plots_run.make_figure(tmp_path, kind, entries, baseline, seeds=seeds)
    plot(made.command(tmp_path))
    assert any(NAME in text for text in drawn) == (len(seeds) > 1)
    if kind in WITH_TEXT:
        text = (tmp_path / f"tables/my_{module_of(kind)}.md").read_text()
        assert (NAME in text) == (len(seeds) > 1)


@pytest.mark.parametrize("seeds", [(0,), (0, 1)])
def test_pictures_and_notes_of_tables(seeds, tmp_path, drawn):
    made = report_run.make_run(tmp_path, ("reach",))
    own = replace(made, settings=replace(made.settings, seeds=seeds))
    files = {"stores": own.stores, "evaluations": own.evaluations}
    report(report_run.command(own, "table", tmp_path, **files))
    text = (tmp_path / "tables/ptdt_table1.md").read_text()
    assert (NAME in text) == any(NAME in label for label in drawn) == (len(seeds) > 1)
    assert ("of one seed, as here, there is no interval" in text) == (len(seeds) == 1)


def test_what_texts_say():
    one, two = (SimpleNamespace(seeds=range(n)) for n in (1, 2))
    assert about_intervals(one, ", with some.").endswith("there is no interval.")
    assert about_intervals(two, ", with some.").startswith(", with some. With three seeds")


@pytest.mark.parametrize("path", CAPTIONS, ids=lambda path: path.stem)
def test_captions(path):
    names = {"figures": {"x": {"title": "X"}}, "tables": {"x": {"title": "X"}}}
    params = SimpleNamespace(figure="x", table="x")

    def caption(seeds: list[int]) -> str:
        snakemake = SimpleNamespace(config=names | {"seeds": seeds}, params=params)
        return Template(path.read_text()).render(snakemake=snakemake)

    assert NAME not in caption([0])
    assert NAME in caption([0, 1])
