"""Every kind of figure from a tiny synthetic run: output files and drawing."""

import dataclasses
import xml.etree.ElementTree as ElementTree

import pytest
from matplotlib import image

from support.paths import CONFIG, preset
from support.plots_run import CONDITIONS, LEVEL, SEEDS, make_figure
from support.plots_tables import FIGURES, table_of
from trajprompt.commands.figure import main
from trajprompt.config import derive
from trajprompt.config.load import load_config
from trajprompt.errors import TrajpromptError
from trajprompt.report.plots.inputs import READS, WITH_TEXT
from trajprompt.settings.stages import FigureSettings

FILES = {"evaluations", "adaptations", "backbones", "stores"}


def test_every_kind_is_tested():
    assert set(FIGURES) == set(READS)


@pytest.mark.parametrize("kind", FIGURES)
def test_every_kind_is_drawn_reproducibly(kind, tmp_path):
    entries, baseline = FIGURES[kind]
    made = make_figure(tmp_path, kind, entries, baseline)
    unread = {name: [] for name in FILES - set(READS[kind])}
    for folder in ("a", "b"):  # only from the files that READS lists
        main(made.command(tmp_path / folder, **unread))
    name = made.settings.table
    names = [f"tables/{name}.csv", f"figures/{name}.svg", f"figures/{name}.png"]
    if kind in WITH_TEXT:
        names += [f"tables/{name}.md", f"pages/{name}.html"]
    found = [path for path in (tmp_path / "a").rglob("*") if path.is_file()]
    assert sorted(str(path.relative_to(tmp_path / "a")) for path in found) == sorted(names)
    for path in names:
        assert (tmp_path / "a" / path).read_bytes() == (tmp_path / "b" / path).read_bytes()
    root = ElementTree.parse(tmp_path / "a" / names[1]).getroot()
    assert len(list(root.iter())) > 100
    pixels = image.imread(tmp_path / "a" / names[2])
    assert 900 <= pixels.shape[1] <= 1400 and pixels.shape[0] <= 2000
    assert pixels[..., :3].std() > 0.05


@pytest.mark.parametrize("kind", FIGURES)
def test_one_seed_and_two_suites_are_drawn_too(kind, tmp_path):
    entries, baseline = FIGURES[kind]
    two = {"seeds": (0,), "suites": ("cheetah-vel", "ant-dir")}
    made = make_figure(tmp_path, kind, entries, baseline, **two)
    main(made.command(tmp_path / "out"))
    drawn = (tmp_path / f"out/figures/{made.settings.table}.svg").read_text()
    assert drawn.count('id="axes_') >= len(two["suites"])  # panels
    assert set(table_of(made)["suite"]) == set(two["suites"])


@pytest.mark.parametrize("kind", FIGURES)
def test_a_missing_file_is_named(kind, tmp_path):
    entries, baseline = FIGURES[kind]
    made = make_figure(tmp_path, kind, entries, baseline)
    for name in READS[kind]:
        short = dataclasses.replace(made, **{name: getattr(made, name)[:-1]})
        missing = "store of cheetah-vel" if name == "stores" else f"seed{SEEDS[-1]}"
        with pytest.raises(TrajpromptError, match=missing):
            table_of(short)


def test_settings_match_the_config():
    made = load_config([CONFIG, preset("evening")])
    settings = derive.figure(made, "pd_figure3")
    assert isinstance(settings, FigureSettings)
    assert (settings.kind, settings.baseline) == ("relative", "pd-diffusion")
    expert = made["conditions"]["expert"]
    assert settings.conditions.keys() == {"expert"}
    assert settings.conditions["expert"].items() <= expert.items()
    assert dataclasses.asdict(settings)["entries"][0]["id"] == "pd-diffusion"


def test_methods_have_the_label_of_their_first_entry():
    made = load_config([CONFIG, preset("evening")])
    labels = derive.figure(made, "ptdt_figure2").methods
    assert labels == {
        "none": "Prompt-DT",
        "ptdt-offline": "PTDT-offline",
        "full-finetune": "Prompt-DT-FT",
    }
    made["entries"] = {"new": {**made["entries"]["ptdt-32"], "label": "Other"}} | made[
        "entries"
    ]
    assert derive.figure(made, "ptdt_figure2").methods["ptdt-offline"] == "Other"


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("heat-maps", "first prompt of the first task and seed, one of 10 (2 seeds"),
        ("denoising", "all 10 generated prompts of 5 steps: 2 seeds, 5 tasks"),
        ("samples", "2 seeds, 5 tasks, 3 episodes each"),
    ],
)
def test_headings_have_sample_sizes(kind, text, tmp_path, monkeypatch):
    """Record calls of suptitle, because SVG stores text as outlines."""
    headings = []
    monkeypatch.setattr(
        "matplotlib.figure.Figure.suptitle",
        lambda _, heading, **more: headings.append(heading),
    )
    entries, baseline = FIGURES[kind]
    main(make_figure(tmp_path, kind, entries, baseline).command(tmp_path / "out"))
    assert len(headings) == 1 and text in headings[0]


@pytest.mark.parametrize("kind", FIGURES)
def test_every_heading_begins_with_the_title(kind, tmp_path, monkeypatch):
    headings = []
    monkeypatch.setattr(
        "matplotlib.figure.Figure.suptitle",
        lambda _, heading, **more: headings.append(heading),
    )
    entries, baseline = FIGURES[kind]
    main(make_figure(tmp_path, kind, entries, baseline).command(tmp_path / "out"))
    title, notes = headings[0].split("\n", 1)
    assert title == "An invented figure"
    assert "2 seeds" in notes and "5 tasks" in notes


def test_synthetic_conditions_match_the_config():
    known = load_config([CONFIG])["conditions"]
    for name, condition in CONDITIONS.items():
        assert condition.items() <= known[name].items()
    assert LEVEL < 0
