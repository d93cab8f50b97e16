"""``trajprompt report``: complete, deterministic files; its settings."""

import json
import warnings
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pandas as pd
import pytest
from matplotlib import image

from support import report_run
from support.report_table import made, run, table
from trajprompt.commands.report import main
from trajprompt.errors import TrajpromptError

__all__ = ["made", "run", "table"]  # fixtures


def test_parts_write_complete_deterministic_files(tmp_path):
    made = report_run.make_run(tmp_path, ("cheetah-vel", "reach"))
    files = {"evaluations": made.evaluations}
    files_of_tables = files | {"stores": made.stores}
    random_play = {"random-policies": made.random_policies}
    commands = {
        "table": files_of_tables | {"adaptations": made.adaptations},
        "curves": {"stores": made.stores, "pretraining": made.curves},
        "claims": files_of_tables | random_play | {"adaptations": made.adaptations},
        "aggregate": files_of_tables | random_play,
        "variance": files_of_tables | random_play,
        "episodes": files | random_play,
        "compute": files
        | random_play
        | {"stores": made.stores, "pretraining": made.curves}
        | {"adaptations": made.adaptations},
    }
    for folder in ("a", "b"):
        for name, options in commands.items():
            main(report_run.command(made, name, tmp_path / folder, **options))
    first = sorted(path for path in (tmp_path / "a").rglob("*") if path.is_file())
    names = {str(path.relative_to(tmp_path / "a")) for path in first}
    assert {
        "tables/ptdt_table1.csv",
        "tables/ptdt_table1_best.md",
        "tables/aggregate.md",
        "tables/variance.csv",
        "tables/headroom.md",
        "pages/variance.html",
        "episodes.csv.gz",
        "claims.md",
        "power.csv",
        "power.md",
        "compute.csv",
        "compute_cells.csv",
    } <= names
    assert {
        f"figures/{n}.svg"
        for n in ("ptdt_table1", "collection", "pretraining", "aggregate")
    } <= names
    for path in first:
        assert (
            path.read_bytes()
            == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes()
        )
        _check_figure(path)


def _check_figure(path) -> None:
    """Check that an SVG parses and has no date, and that a PNG is wide and not blank."""
    if path.suffix == ".svg":
        root = ElementTree.parse(path).getroot()
        assert root.tag.endswith("svg") and len(list(root.iter())) > 100
        assert "dc:date" not in path.read_text()
    if path.suffix == ".png":
        pixels = image.imread(path)
        assert 900 <= pixels.shape[1] <= 1400
        assert pixels[..., :3].std() > 0.05


def test_blocks_of_one_method_and_of_several_are_joined_without_a_warning(made, tmp_path):
    """One method is in all suites: its block has no improvement over another."""
    one, *others = made.settings.entries
    first, *_ = made.settings.suites
    everywhere = [entry for entry in others if "suites" not in entry]
    entries = [one, *(entry | {"suites": [first]} for entry in everywhere)]
    run = replace(made, settings=report_run.with_entries(made.settings, entries))
    arguments = {"evaluations": made.evaluations, "stores": made.stores}
    arguments |= {"random-policies": made.random_policies}
    with warnings.catch_warnings():
        warnings.simplefilter("error", FutureWarning)
        main(report_run.command(run, "aggregate", tmp_path, **arguments))
    beats = pd.read_csv(tmp_path / "tables/improvement.csv")
    assert set(beats["suites"]) == {first} and beats["value"].dtype == float


def test_a_table_can_be_made_from_one_seed(made, tmp_path):
    alone = replace(made, settings=replace(made.settings, seeds=(0,)))
    arguments = {"evaluations": made.evaluations, "stores": made.stores}
    main(report_run.command(alone, "table", tmp_path, **arguments))
    assert "n = 1 seed(s)" in (tmp_path / "tables" / "ptdt_table1.md").read_text()
    table = pd.read_csv(tmp_path / "tables" / "ptdt_table1.csv")
    assert table["low"].isna().all() and table["mean"].notna().all()


def test_settings_of_the_command_line_are_checked(made, tmp_path):
    files = {"evaluations": made.evaluations, "stores": made.stores}
    arguments = report_run.command(made, "table", tmp_path, **files)
    arguments[2] = json.dumps({"run": "x"})
    with pytest.raises(TrajpromptError, match="run_seed"):
        main(arguments)
