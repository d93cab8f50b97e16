"""Similarity of tuned and initial prompts."""

import pytest

from support.plots_run import SEEDS, make_figure
from support.plots_tables import FIGURES, kind_table
from trajprompt.commands.figure import main


def test_similarity_falls_with_the_size_of_changes(tmp_path):
    rows = kind_table(tmp_path, "similarity").set_index("column")
    assert rows.loc["prompt-dt", "similarity"] == pytest.approx(1)
    assert rows.loc["prompt-dt", "debiased"] == pytest.approx(1)
    ptdt, diffuser = rows.loc["ptdt-offline"], rows.loc["prompt-diffuser"]
    assert ptdt["chance"] < diffuser["similarity"] < ptdt["similarity"] < 1
    assert ptdt["prompt_steps"] == 5 * 5  # per seed
    assert ptdt["similarity_low"] < ptdt["similarity"] < ptdt["similarity_high"] < 1
    assert ptdt["seeds"] == len(SEEDS)
    assert rows.loc["prompt-dt", "similarity_low"] == pytest.approx(1)


def test_similarity_is_shown_beside_the_papers(tmp_path):
    entries, baseline = FIGURES["similarity"]
    made = make_figure(tmp_path, "similarity", entries, baseline, ("ant-dir-ood",))
    main(made.command(tmp_path / "out"))
    text = (tmp_path / "out/tables/my_similarity.md").read_text()
    line = next(line for line in text.splitlines() if line.startswith("| PTDT-OFFLINE"))
    assert "| 0.9514 |" in line and line.endswith("| 540.0 ± 8.7 |")  # Table 9: 540.8
    assert "2 seed(s), each with 3 prompts (3 tasks) of 5 steps" in text
    assert "- PTDT-OFFLINE: not said what is compared" in text
