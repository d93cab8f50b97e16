"""Figures, notes and captions mention intervals only if there are several seeds."""

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
from trajprompt.report.pages.notes import interval_note
from trajprompt.report.plots.inputs import WITH_TEXT, module_of

OF_PROMPTS = {"heat-maps", "denoising", "prompt-map"}  # without means
NAME = "95 %"
FOLDER = ROOT / "workflow/report"
# Without the caption of the report, which explains verdicts for any number of seeds.
CAPTIONS = [
    path
    for path in sorted(FOLDER.rglob("*.rst"))
    if NAME in path.read_text() and path.stem != "workflow"
]


@pytest.fixture
def drawn(monkeypatch) -> list[str]:
    """All texts of the figures drawn; in SVG, letters are outlines."""
    found: list[str] = []
    original = Figure.savefig

    def savefig(figure, *arguments, **options):
        found.extend(text.get_text() for text in figure.findobj(Text))
        original(figure, *arguments, **options)

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
    run = replace(made, settings=replace(made.settings, seeds=seeds))
    files = {"stores": run.stores, "evaluations": run.evaluations}
    report(report_run.command(run, "table", tmp_path, **files))
    text = (tmp_path / "tables/ptdt_table1.md").read_text()
    assert (NAME in text) == any(NAME in label for label in drawn) == (len(seeds) > 1)
    assert ("a single seed, as here, has no interval" in text) == (len(seeds) == 1)


def test_interval_notes():
    one, two = (SimpleNamespace(seeds=range(n)) for n in (1, 2))
    assert interval_note(one, ", with some.").endswith("has no interval.")
    assert interval_note(two, ", with some.") == ", with some."


@pytest.mark.parametrize("path", CAPTIONS, ids=lambda path: path.stem)
def test_captions(path):
    names = {"figures": {"x": {"title": "X"}}, "tables": {"x": {"title": "X"}}}
    params = SimpleNamespace(figure="x", table="x")

    def caption(seeds: list[int]) -> str:
        snakemake = SimpleNamespace(config=names | {"seeds": seeds}, params=params)
        return Template(path.read_text()).render(snakemake=snakemake)

    assert NAME not in caption([0])
    assert NAME in caption([0, 1])
