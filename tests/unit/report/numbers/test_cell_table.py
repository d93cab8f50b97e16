"""Tables: published figures, averages, rounding, missing cells; the report's commands."""

import json
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib import image

from support import report_run
from trajprompt.commands.report import main
from trajprompt.errors import TrajpromptError
from trajprompt.report.numbers.cell_table import (
    EXPERT_DATA,
    FIRST_EPISODES,
    cell_table,
    task_table,
)
from trajprompt.report.pages.markdown import (
    gap_markdown,
    interval,
    number,
    plus_minus,
    sizes_markdown,
    table_markdown,
)
from trajprompt.report.read.baselines import Teacher
from trajprompt.report.read.cells import Evaluations, parse_columns, task_by_seed
from trajprompt.report.read.papers import printed_files
from trajprompt.report.read.published import AVERAGE, Published
from trajprompt.report.read.run import Run, load_run
from trajprompt.report.read.sizes import read_printed

SUITES = ("cheetah-dir", "cheetah-vel", "ant-dir", "reach")
PRINTED = [report_run.MAIN_TABLE]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return report_run.make_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def run(made) -> Run:
    return load_run(made.settings, made.evaluations, made.stores, published=PRINTED)


@pytest.fixture(scope="module")
def table(run) -> pd.DataFrame:
    return cell_table(run)


def test_published_averages_are_the_mean_of_their_cells_but_for_three_misprints():
    wrong = {}
    for path in report_run.TABLES:
        published = Published([path])
        for name in published.columns():
            printed = published.get(AVERAGE, name)
            mean = published.average(published.suites(name), name)
            assert mean is not None
            if printed is not None and round(abs(mean - printed.mean), 6) > 0.05:
                wrong[path.stem, name] = (round(mean, 2), printed.mean)
                assert printed.note
    assert wrong == {
        ("ptdt_table1", "mt-orl"): (45.45, 181.8),
        ("ptdt_table1", "ptdt-offline"): (450.6, 450.3),
        ("ptdt_table2", "dt"): (61.4, 61.6),
        ("pd_table1", "ptdt-offline"): (450.6, 450.3),
    }


def test_mt_orl_average_is_printed_as_the_sum():
    published = Published(PRINTED)
    figures = [published.get(suite, "mt-orl") for suite in SUITES]
    assert sum(figure.mean for figure in figures if figure) == pytest.approx(181.8)


@pytest.mark.parametrize("name", ["ptdt_table3", "pd_table2"])
def test_tables_of_qualities_have_every_combination(name):
    """Two methods, three qualities of the prompt, three of the data."""
    assert len(Published(printed_files(report_run.PAPERS, f"{name}.csv")).columns()) == 18


def test_the_papers_agree_where_they_print_the_same_experiment():
    """What PD takes over from PTDT, but for prompts that are not from experts."""
    tables = {path.stem: Published([path]) for path in report_run.TABLES}
    first, second = tables["ptdt_table1"], tables["pd_table1"]
    for column in ("prompt-dt", "mt-orl", "prompt-dt-ft", "ptdt-offline"):
        for suite in SUITES:
            one, other = first.get(suite, column), second.get(suite, column)
            assert one and other and (one.mean, one.spread) == (other.mean, other.spread)
    first, second = tables["ptdt_table3"], tables["pd_table2"]
    for data in ("medium", "random"):
        one, other = (t.get("cheetah-vel", f"ptdt-{data}-expert") for t in (first, second))
        assert one and other and one.mean == other.mean
        one, other = (t.get("cheetah-vel", f"ptdt-{data}-random") for t in (first, second))
        assert one and other and one.note and other.note
        assert one.mean - other.mean == pytest.approx(40.0)


@pytest.mark.parametrize(
    "value, text",
    [
        (45.45, "45.5"),
        (181.8 / 4, "45.5"),
        (-39.549, "-39.5"),
        (-0.04, "0.0"),
        (0.05, "0.1"),
    ]
    + [(445.275, "445.3"), (1e6, "1000000.0"), (None, "–"), (float("nan"), "–")],
)
def test_rounding(value, text):
    assert number(value) == text


def test_cells_as_text():
    row = pd.Series({"mean": -39.46, "low": -43.21, "high": -35.0})
    assert interval(row) == "-39.5 [-43.2, -35.0]"
    assert interval(pd.Series({"mean": 1.0, "low": np.nan, "high": np.nan})) == "1.0"
    assert plus_minus(934.6, 4.4) == "934.6 ± 4.4"
    assert plus_minus(450.6, None) == "450.6"


def test_table_holds_the_files_means(made, table):
    rows = table.set_index(["column", "suite"])
    frames = [pd.read_csv(p) for p in made.evaluations if "cheetah-vel/few-shot" in str(p)]
    episodes = pd.concat(frames)
    for method in ("ptdt-offline", "ptdt-online"):
        last = episodes[(episodes.method == method) & (episodes.checkpoint == "last")]
        row = rows.loc[(method, "cheetah-vel")]
        assert row["mean"] == pytest.approx(last["return"].mean())
        by_seed = last.groupby("seed")["return"].mean()
        assert row["spread"] == pytest.approx(by_seed.std(ddof=1))
        assert row["low"] < row["mean"] < row["high"]
        assert (row["seeds"], row["tasks"], row["episodes"]) == (3, 5, 3)


def test_average_weighs_suites_equally_and_needs_all(table):
    rows = table.set_index(["column", "suite"])["mean"]
    assert rows["mt-orl", AVERAGE] == pytest.approx(
        np.mean([rows["mt-orl", s] for s in SUITES])
    )
    assert ("ptdt-offline-literal", AVERAGE) not in rows.index
    assert ("ptdt-offline-literal", "cheetah-vel") in rows.index


def test_average_is_over_the_suites_that_the_papers_print(tmp_path):
    made = report_run.make_run(tmp_path, ("cheetah-vel", "ant-dir-ood", "reach"))
    run = load_run(made.settings, made.evaluations, made.stores, published=PRINTED)
    table = cell_table(run)
    rows = table.set_index(["column", "suite"])
    for name in ("mt-orl", FIRST_EPISODES, EXPERT_DATA):
        for what in ("mean", "gap_closed"):
            parts = [rows.loc[(name, suite), what] for suite in ("cheetah-vel", "reach")]
            assert rows.loc[(name, AVERAGE), what] == pytest.approx(np.mean(parts))
    assert rows.loc[("mt-orl", AVERAGE), "published"] == pytest.approx((-146.6 + 264.1) / 2)
    assert "over Cheetah-vel, MW reach, weighed equally" in table_markdown(table, run)
    unprinted = load_run(made.settings, made.evaluations, made.stores)
    assert unprinted.averaged == made.settings.suites


def test_a_table_of_one_suite_has_no_average(tmp_path):
    made = report_run.make_run(tmp_path, ("ant-dir-ood",))
    printed = printed_files(report_run.PAPERS, "pd_table9.csv")
    run = load_run(made.settings, made.evaluations, made.stores, published=printed)
    table = cell_table(run)
    assert set(table["suite"]) == {"ant-dir-ood"}
    rows = table.set_index("column")["published"]
    assert (rows["prompt-dt"], rows["ptdt-offline"]) == (526.0, 540.8)
    assert "Average" not in table_markdown(table, run)


def test_sizes_are_counted_beside_the_papers(tmp_path):
    made = report_run.make_run(tmp_path, ("cheetah-vel", "reach"))
    files = {"published": PRINTED, "printed_sizes": report_run.PAPERS / "ptdt/sizes.csv"}
    run = load_run(made.settings, made.evaluations, made.stores, made.adaptations, **files)
    table = cell_table(run)
    row = table.set_index(["column", "suite"]).loc[("ptdt-online", "cheetah-vel")]
    assert row["parameters"] == 135
    assert row["parameters_percentage"] == pytest.approx(0.01565, abs=1e-5)
    text = sizes_markdown(table, run)
    assert "| PTDT-ONLINE | 135 (0.0157 %) | – | 0.03 % |" in text
    assert "| PTDT-OFFLINE | – | – | 0.03 % |" in text
    assert "| MT-ORL" not in text and "| PROMPT-DT-FT" not in text  # PTDT prints none
    assert "no count is printed" in table_markdown(table, run)


def test_every_papers_tables_have_its_own_sizes(tmp_path):
    files = printed_files(report_run.PAPERS, "sizes.csv")
    assert [path.parent.name for path in files] == ["ptdt", "prompt_diffuser"]
    first, second = map(read_printed, files)
    assert {size.text for size in first.values()} == {"0.03 %"}
    assert second["ptdt-offline"].text == "0.24K (0.0018 %)"
    assert second["prompt-dt-ft"].text == "13.71M (100 %)"
    assert all("2305.09648" in size.source for size in first.values())
    assert all("2411.01168" in size.source for size in second.values())
    assert read_printed(None) == {}  # a table of no paper
    wrong = tmp_path / "sizes.csv"
    wrong.write_text(files[0].read_text().replace("0.03", "little"))
    with pytest.raises(TrajpromptError, match=r"sizes.csv: .*percentage"):
        read_printed(wrong)


def test_share_of_the_gap_closed(run, table):
    rows = table.set_index(["column", "suite"])
    first, expert = -260.0, -52.0
    for name in ("prompt-dt", "mt-orl", "ptdt-offline-literal"):
        row = rows.loc[(name, "cheetah-vel")]
        assert row["gap_closed"] == pytest.approx((row["mean"] - first) / (expert - first))
    assert rows.loc[(FIRST_EPISODES, "reach"), "gap_closed"] == pytest.approx(0.0)
    assert rows.loc[(EXPERT_DATA, "reach"), "gap_closed"] == pytest.approx(1.0)
    text = gap_markdown(table, run)
    shares = [rows.loc[("prompt-dt", s), "gap_closed"] for s in (*SUITES, AVERAGE)]
    line = " | ".join(number(100 * share, 0) for share in shares)
    assert f"| PROMPT-DT | {line} |" in text and text in table_markdown(table, run)
    assert text.splitlines()[-1].startswith("| PTDT-OFFLINE-LITERAL | – | ")


def test_no_gap_no_share():
    flat = Teacher("reach", (1,), np.array([5.0]), np.array([5.0]), 3)
    assert np.isnan(flat.gap_closed(7.0))


def test_last_and_best_are_different_tables(run, table):
    best = cell_table(run, "best").set_index(["column", "suite"])["mean"]
    last = table.set_index(["column", "suite"])["mean"]
    assert best["ptdt-online", "reach"] != last["ptdt-online", "reach"]


def test_the_datas_own_returns_are_rows(table):
    rows = table.set_index(["column", "suite"])["mean"]
    assert rows[FIRST_EPISODES, "cheetah-vel"] == pytest.approx(-260.0)
    assert rows[EXPERT_DATA, "cheetah-vel"] == pytest.approx(-52.0)
    assert rows[EXPERT_DATA, AVERAGE] == pytest.approx((880 - 52 + 410 + 655) / 4)


def test_markdown_has_ours_beside_published_and_the_misprint(run, table):
    text = table_markdown(table, run)
    assert text.startswith(f"# {report_run.TITLE}\n")
    line = next(line for line in text.splitlines() if line.startswith("| MT-ORL"))
    assert "| -46.2 ± 3.4 |" in line and line.endswith("| 45.5 |")
    assert "the printed 181.8 is the sum" in text
    assert "n = 3 seed(s), 3 evaluation episodes" in text


def test_task_table_averages_to_cell_table(run, table):
    tasks = task_table(run)
    means = tasks.groupby(["column", "suite"])["mean"].mean()
    rows = table.set_index(["column", "suite"])["mean"]
    for key, mean in means.items():
        assert rows[key] == pytest.approx(mean)


def test_a_missing_cell_names_its_file(made):
    short = [p for p in made.evaluations if "reach/mt-orl/none/seed1" not in str(p)]
    run = load_run(made.settings, short, made.stores, published=PRINTED)
    with pytest.raises(TrajpromptError, match="4_evaluate/reach/mt-orl/none/seed1.csv"):
        cell_table(run)


def test_a_missing_store_names_the_suite(made):
    stores = [path for path in made.stores if "ant-dir" not in str(path)]
    run = load_run(made.settings, made.evaluations, stores, published=PRINTED)
    with pytest.raises(TrajpromptError, match="trajectory store of ant-dir"):
        cell_table(run)


def test_damaged_evaluations_are_refused(made, tmp_path):
    frame = pd.read_csv(made.evaluations[0])
    path = tmp_path / "bad.csv"
    for damaged, message in (
        (frame.drop(columns="queries"), "queries"),
        (frame.assign(**{"return": np.nan}), "finite"),
    ):
        damaged.to_csv(path, index=False)
        with pytest.raises(TrajpromptError, match=message):
            Evaluations([path], "r")
    with pytest.raises(TrajpromptError, match="second time"):
        Evaluations([made.evaluations[0], made.evaluations[0]], "r")
    with pytest.raises(TrajpromptError, match="missing or empty"):
        Evaluations([tmp_path / "none.csv"], "r")


def test_a_task_that_one_seed_lacks_is_an_error():
    rows = pd.DataFrame({"task": [1, 1, 2], "seed": [0, 1, 0], "return": [1.0, 2.0, 3.0]})
    with pytest.raises(TrajpromptError, match=r"\(2, 1\)"):
        task_by_seed(rows, (0, 1), "here")


def test_columns_are_checked():
    good = {"id": "a", "label": "A", "condition": "s", "method": "m"}
    assert parse_columns([good])[0].covers("reach")
    assert not parse_columns([good | {"suites": ["ant-dir"]}])[0].covers("reach")
    for entries in ([good, good], [good | {"colour": 1}], [{"id": "a"}], []):
        with pytest.raises(TrajpromptError, match="tables.entries"):
            parse_columns(entries)


def test_commands_write_whole_deterministic_files(tmp_path):
    made = report_run.make_run(tmp_path, ("cheetah-vel", "reach"))
    files = {"evaluations": made.evaluations}
    files_of_tables = files | {"stores": made.stores}
    random_play = {"random-policies": made.random_policies}
    commands = {
        "table": files_of_tables | {"adaptations": made.adaptations},
        "curves": {"stores": made.stores, "pretraining": made.curves},
        "claims": files_of_tables,
        "aggregate": files_of_tables | random_play,
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
        "claims.md",
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
    """SVG that parses and is dateless; PNG of README size that is not blank."""
    if path.suffix == ".svg":
        root = ElementTree.parse(path).getroot()
        assert root.tag.endswith("svg") and len(list(root.iter())) > 100
        assert "dc:date" not in path.read_text()
    if path.suffix == ".png":
        pixels = image.imread(path)
        assert 900 <= pixels.shape[1] <= 1400
        assert pixels[..., :3].std() > 0.05


def test_one_seed_still_makes_a_table(made, tmp_path):
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
