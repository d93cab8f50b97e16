"""Every kind of figure from a tiny invented run: its numbers, and that it is drawn."""

import dataclasses
import xml.etree.ElementTree as ElementTree

import h5py
import numpy as np
import pytest
from matplotlib import image

from support import plots_run
from support.plots_run import CONDITIONS, CONTEXT_LENGTH, LEVEL, SEEDS, make_figure
from support.plots_tables import FIGURES, numbers, table_of
from trajprompt.commands.figure import main
from trajprompt.config import derive
from trajprompt.config.load import load_config
from trajprompt.errors import TrajpromptError
from trajprompt.report.plots.inputs import READS, WITH_TEXT
from trajprompt.report.plots.kinds.denoising import main_plane, step_share
from trajprompt.settings.stages import FigureSettings

PAPER = ["config.yaml", "presets/paper.yaml"]
FILES = {"evaluations", "adaptations", "backbones", "stores"}


def test_every_kind_is_tested():
    assert set(FIGURES) == set(READS)


@pytest.mark.parametrize("kind", FIGURES)
def test_every_kind_is_drawn_the_same_twice(kind, tmp_path):
    columns, baseline = FIGURES[kind]
    made = make_figure(tmp_path, kind, columns, baseline)
    unread = dict.fromkeys(FILES - set(READS[kind]), [])
    for folder in ("a", "b"):  # from no other files than the kind says it reads
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
    columns, baseline = FIGURES[kind]
    two = {"seeds": (0,), "suites": ("cheetah-vel", "ant-dir")}
    main(make_figure(tmp_path, kind, columns, baseline, **two).command(tmp_path / "out"))


@pytest.mark.parametrize("kind", FIGURES)
def test_a_missing_file_is_named(kind, tmp_path):
    columns, baseline = FIGURES[kind]
    made = make_figure(tmp_path, kind, columns, baseline)
    for name in READS[kind]:
        short = dataclasses.replace(made, **{name: getattr(made, name)[:-1]})
        missing = "store of cheetah-vel" if name == "stores" else f"seed{SEEDS[-1]}"
        with pytest.raises(TrajpromptError, match=missing):
            table_of(short)


def test_samples_go_from_none_to_all(tmp_path):
    rows = numbers(tmp_path, "samples").set_index(["method", "samples"])
    assert set(rows.index) == {
        ("none", 0),
        ("ptdt-offline", 32),
        ("ptdt-offline", "all"),
        ("full-finetune", 32),
        ("full-finetune", "all"),
    }
    gain = rows.loc[("full-finetune", "all"), "mean"] - rows.loc[("none", 0), "mean"]
    assert gain == pytest.approx(8, abs=1.5)


def test_queries_start_on_the_untuned_level(tmp_path):
    rows = numbers(tmp_path, "queries")
    level = rows[rows["column"] == "prompt-dt"].iloc[0]
    start = rows[(rows["column"] == "ptdt-online") & (rows["iteration"] == 0)].iloc[0]
    assert start["mean"] == pytest.approx(level["mean"])
    assert start["episodes"] == level["episodes"] == 2  # those that the curves have
    assert rows["queries"].max() == 600


def test_curves_know_both_qualities(tmp_path):
    rows = numbers(tmp_path, "tuning-curves")
    found = set(zip(rows["prompt_quality"], rows["data_quality"], strict=True))
    assert found == {("expert", "expert"), ("random", "expert"), ("expert", "random")}
    start = rows[rows["iteration"] == 0].set_index("column")["mean"]
    assert start["ptdt-expert-random"] < start["ptdt-offline"] - 40


def test_a_cell_without_a_curve_is_named(tmp_path):
    made = make_figure(tmp_path, "tuning-curves", ("prompt-dt",))
    with pytest.raises(TrajpromptError, match="cheetah-vel/expert/none.*curve"):
        table_of(made)


def test_bars_have_the_quality_of_their_prompt(tmp_path):
    rows = numbers(tmp_path, "prompt-quality").set_index(["method", "prompt_quality"])
    fall = rows.loc[("none", "random"), "mean"] - rows.loc[("none", "expert"), "mean"]
    assert fall == pytest.approx(-60, abs=2)


def test_differences_are_paired(tmp_path):
    rows = numbers(tmp_path, "relative").set_index("column")
    assert list(rows.index) == ["prompt-diffuser", "pd-sum"]
    for name, difference in (("prompt-diffuser", 4), ("pd-sum", -3)):
        # Seeds and episodes differ by more than these intervals; their differences do not.
        bounds = rows.loc[name, ["low", "mean", "high"]].to_numpy(float)
        np.testing.assert_allclose(bounds, difference, atol=1e-4)


def test_an_unknown_baseline_is_named(tmp_path):
    made = make_figure(tmp_path, "relative", ("pd-sum", "prompt-diffuser"), "other")
    with pytest.raises(TrajpromptError, match="baseline: 'other'.*pd-sum"):
        table_of(made)


def test_heat_maps_have_every_number_of_every_prompt(tmp_path):
    rows = numbers(tmp_path, "heat-maps")
    own = rows[(rows["column"] == "ptdt-offline") & (rows["seed"] == 0)]
    assert len(own) == 5 * 5 * (1 + 20 + 6)
    parts = own[own["row"] == 0].groupby("part")["dimension"].max() + 1
    assert parts.to_dict() == {"return-to-go": 1, "state": 20, "action": 6}
    assert (own["after"] - own["before"]).std() == pytest.approx(0.3, rel=0.1)


def test_heat_maps_show_where_segments_begin(tmp_path, monkeypatch):
    """Both moments and the change have a line between any two segments, others none."""
    made = make_figure(tmp_path, "heat-maps", ("ptdt-offline",), seeds=(0,))
    lines = []
    monkeypatch.setattr(
        "matplotlib.axes.Axes.axhline", lambda _, y, **style: lines.append(float(y))
    )
    main(made.command(tmp_path / "one"))
    assert lines == [4.5] * 3  # of three parts: what parts before and after
    lines.clear()
    with h5py.File(made.adaptations[0], "r+") as file:
        file.attrs["prompt_segments"] = 5
    rows = table_of(made)
    assert (rows["segment"] == rows["step"]).all()
    main(made.command(tmp_path / "five"))
    borders = [0.5, 1.5, 2.5, 3.5]
    own = [4.5, *(y for border in borders for y in (border, 5 + border, border))]
    assert lines == own * 3


def test_denoising_pulls_prompt_steps_apart(tmp_path):
    rows = numbers(tmp_path, "denoising")
    shares = rows.groupby("left")["step_share"].first()
    assert shares[0] == pytest.approx(1)
    assert shares[4] < 0.1 and shares.is_monotonic_decreasing
    assert len(rows) == 4 * 5 * 5 * len(SEEDS)


def test_the_plane_keeps_what_varies_most():
    chance = np.random.default_rng(0)
    points = chance.standard_normal((50, 4, 3)) * [1.0, 9.0, 3.0]
    mean, plane = main_plane(points)
    np.testing.assert_allclose(np.abs(plane.T), [[0, 1, 0], [0, 0, 1]], atol=0.1)
    np.testing.assert_allclose(plane.T @ plane, np.eye(2), atol=1e-9)
    np.testing.assert_allclose(mean, points.reshape(-1, 3).mean(axis=0))


def test_noise_shares_its_variance_evenly():
    noise = np.random.default_rng(0).standard_normal((400, 5, 30))
    assert step_share(noise) == pytest.approx(4 / 1999, rel=0.2)


def test_the_map_has_every_different_prompt_once(tmp_path):
    rows = numbers(tmp_path, "prompt-map")
    counts = rows.groupby(["source", "adapted"]).size()
    assert counts["expert data", True] == counts["PTDT-OFFLINE", True] == 5 * len(SEEDS)
    assert counts["PROMPT-DIFFUSER", False] == 5 * len(SEEDS) * plots_run.SHOWN
    # What is far apart in the data is far apart in the map.
    middle = rows[~rows["adapted"]].groupby("source")[["x", "y"]].agg(["mean", "std"])
    gap = np.hypot(*(middle[a]["mean"].diff().iloc[-1] for a in ("x", "y")))
    assert gap > 2 * middle["x"]["std"].max()


def test_similarity_falls_with_what_is_added(tmp_path):
    rows = numbers(tmp_path, "similarity").set_index("column")
    assert rows.loc["prompt-dt", "similarity"] == pytest.approx(1)
    assert rows.loc["prompt-dt", "debiased"] == pytest.approx(1)
    ptdt, diffuser = rows.loc["ptdt-offline"], rows.loc["prompt-diffuser"]
    assert ptdt["chance"] < diffuser["similarity"] < ptdt["similarity"] < 1
    assert ptdt["prompt_steps"] == 5 * 5  # of a seed
    assert ptdt["similarity_low"] < ptdt["similarity"] < ptdt["similarity_high"] < 1
    assert ptdt["seeds"] == len(SEEDS)
    assert rows.loc["prompt-dt", "similarity_low"] == pytest.approx(1)


def test_similarity_stands_beside_the_papers(tmp_path):
    columns, baseline = FIGURES["similarity"]
    made = make_figure(tmp_path, "similarity", columns, baseline, ("ant-dir-ood",))
    main(made.command(tmp_path / "out"))
    text = (tmp_path / "out/tables/my_similarity.md").read_text()
    line = next(line for line in text.splitlines() if line.startswith("| PTDT-OFFLINE"))
    assert "| 0.9514 |" in line and line.endswith("| 540.0 ± 8.7 |")  # Table 9: 540.8
    assert "2 seed(s), each of 3 prompts (3 tasks) of 5 steps" in text
    assert "- PTDT-OFFLINE: not said what is compared" in text


def test_settings_are_the_configs():
    made = load_config(["config.yaml"])
    settings = derive.figure(made, "pd_figure3")
    assert isinstance(settings, FigureSettings)
    assert (settings.kind, settings.baseline) == ("relative", "pd-diffusion")
    expert = made["conditions"]["expert"]
    assert settings.conditions.keys() == {"expert"}
    assert settings.conditions["expert"].items() <= expert.items()
    assert dataclasses.asdict(settings)["entries"][0]["id"] == "pd-diffusion"


def test_methods_are_called_as_in_the_first_column_that_uses_them():
    made = load_config(["config.yaml"])
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
        ("heat-maps", "first prompt of the first task and seed, one of 10: 2 seed(s)"),
        ("denoising", "all 10 written prompts of 5 steps: 2 seed(s), 5 task(s)"),
        ("samples", "2 seed(s), 5 task(s), 3 episode(s) each"),
    ],
)
def test_pictures_say_what_they_show(kind, text, tmp_path, monkeypatch):
    """SVG keeps letters as outlines: what is drawn is asked for, not read."""
    headings = []
    monkeypatch.setattr(
        "matplotlib.figure.Figure.suptitle", lambda _, said, **more: headings.append(said)
    )
    columns, baseline = FIGURES[kind]
    main(make_figure(tmp_path, kind, columns, baseline).command(tmp_path / "out"))
    assert len(headings) == 1 and text in headings[0]


def test_the_steps_of_a_sample_are_those_of_the_config(tmp_path, monkeypatch):
    labels = []
    monkeypatch.setattr(
        "matplotlib.axes.Axes.set_xlabel", lambda _, said, **more: labels.append(said)
    )
    columns, baseline = FIGURES["samples"]
    main(make_figure(tmp_path, "samples", columns, baseline).command(tmp_path / "out"))
    assert labels == [f"samples per test task (segments of {CONTEXT_LENGTH} steps)"]
    laptop, paper = load_config(["config.yaml"]), load_config(PAPER)
    for config in (laptop, paper):
        steps = [config["pretrain"]["context_length"]]
        settings = derive.figure(config, "ptdt_figure2")
        assert settings.context_lengths == dict.fromkeys(settings.suites, steps)
    laptop["backbones"]["other"] = {"kind": "prompt-dt", "context_length": 7}
    laptop["conditions"]["samples-32"]["backbone"] = "other"
    found = derive.figure(laptop, "ptdt_figure2").context_lengths
    assert list(found.values()) == [[7, 10]]


def test_fake_conditions_are_as_the_configs():
    known = load_config(["config.yaml"])["conditions"]
    for name, condition in CONDITIONS.items():
        assert condition.items() <= known[name].items()
    assert LEVEL < 0
