"""Returns against the number of samples."""

import pytest

from support.paths import CONFIG, preset
from support.plots_run import CONTEXT_LENGTH, make_figure
from support.plots_tables import FIGURES, kind_table
from trajprompt.commands.figure import main
from trajprompt.config import derive
from trajprompt.config.load import load_config


def test_samples_range_from_none_to_all(tmp_path):
    rows = kind_table(tmp_path, "samples").set_index(["method", "samples"])
    assert set(rows.index) == {
        ("none", 0),
        ("ptdt-offline", 32),
        ("ptdt-offline", "all"),
        ("full-finetune", 32),
        ("full-finetune", "all"),
    }
    gain = rows.loc[("full-finetune", "all"), "mean"] - rows.loc[("none", 0), "mean"]
    assert gain == pytest.approx(8, abs=1.5)


def test_samples_have_the_context_length_of_the_config(tmp_path, monkeypatch):
    labels = []
    monkeypatch.setattr(
        "matplotlib.axes.Axes.set_xlabel", lambda _, label, **more: labels.append(label)
    )
    entries, baseline = FIGURES["samples"]
    main(make_figure(tmp_path, "samples", entries, baseline).command(tmp_path / "out"))
    assert labels == [f"samples per test task (segments of {CONTEXT_LENGTH} steps)"]
    evening, smoke = (load_config([CONFIG, preset(name)]) for name in ("evening", "smoke"))
    for config in (evening, smoke):
        steps = [config["pretrain"]["context_length"]]
        settings = derive.figure(config, "ptdt_figure2")
        assert settings.context_lengths == dict.fromkeys(settings.suites, steps)
    evening["backbones"]["other"] = {"kind": "prompt-dt", "context_length": 7}
    evening["conditions"]["samples-32"]["backbone"] = "other"
    found = derive.figure(evening, "ptdt_figure2").context_lengths
    assert list(found.values()) == [[7, 20]] * 4
