"""All episodes of a run in one file: complete, deterministic, enough for tables."""

import contextlib
import gzip
import io
import re

import pandas as pd
import pytest

from support import report_run
from support.report_table import made, run, table
from trajprompt.commands.report import main
from trajprompt.errors import TrajpromptError
from trajprompt.report.pages.results import EPISODES_TEXT
from trajprompt.report.read.episodes import EPISODES_FILE, joined_episodes, read_episodes
from trajprompt.rollout.columns import EVALUATION_COLUMNS

__all__ = ["made", "run", "table"]  # fixtures
CODE = re.compile(r"```python\n(.*?)```", re.S)


def write(made, folder, evaluations=None):
    files = {"evaluations": evaluations or made.evaluations}
    files["random-policies"] = made.random_policies
    main(report_run.command(made, "episodes", folder, **files))
    return folder / EPISODES_FILE


@pytest.fixture(scope="module")
def file(made, tmp_path_factory):
    return write(made, tmp_path_factory.mktemp("report"))


def test_the_file_does_not_depend_on_the_order_of_its_inputs(made, file, tmp_path):
    again = write(made, tmp_path, [*reversed(made.evaluations)])
    assert again.read_bytes() == file.read_bytes()
    assert file.read_bytes()[4:8] == b"\0\0\0\0"  # the time stamp of gzip


def test_every_episode_comes_back_with_every_bit(made, file):
    files = [*made.evaluations, *made.random_policies]
    exact = {"float_precision": "round_trip", "keep_default_na": False}
    given = pd.concat([pd.read_csv(path, **exact) for path in files])
    order = [name for name in EVALUATION_COLUMNS if name not in ("return", "length")]
    tables = [
        t.sort_values(order).reset_index(drop=True) for t in (given, read_episodes(file))
    ]
    pd.testing.assert_frame_equal(*tables, check_exact=True)


def test_checkpoints_that_share_an_episode_share_its_row(tmp_path):
    same = ["reach", "expert", "none", 0, 6, 0]
    rows = [[*same, 0, name, 0, 0, 1.5, 82, 1] for name in ("last", "best", "curve")]
    rows.append([*same, 0, "curve", 5, 9, 1.5, 82, 1])
    path = report_run._write_episodes(tmp_path / "seed0.csv", rows)
    joined = joined_episodes([path])
    assert joined["checkpoint"].tolist() == ["best+curve+last", "curve"]


def test_tables_can_be_recomputed(file, run, table):
    episodes = read_episodes(file)
    last = episodes[episodes["checkpoint"] == "last"]
    for row in table[table["column"] == "ptdt-online"].itertuples():
        cell = last[(last["suite"] == row.suite) & (last["method"] == "ptdt-online")]
        mean = cell.groupby(["seed", "task"])["return"].mean().mean()
        assert row.suite == "average" or mean == pytest.approx(row.mean, rel=1e-12)


def test_the_code_of_the_results_page_recomputes_the_tables(file, table):
    text = EPISODES_TEXT.format(link="..", folder=file.parent, file=EPISODES_FILE)
    lines = CODE.search(text)[1]
    assert len([line for line in lines.splitlines() if line]) <= 6  # five and the import
    names: dict = {}
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(lines, names)
    assert "ptdt-online" in printed.getvalue()
    found = names["by_seed"].groupby(["suite", "condition", "method"]).agg(["mean", "std"])
    row = table.set_index(["column", "suite"]).loc[("ptdt-online", "reach")]
    mean, spread = found.loc[("reach", "few-shot", "ptdt-online")]
    assert (mean, spread) == pytest.approx((row["mean"], row["spread"]))


def test_a_damaged_file_is_an_error(file, tmp_path):
    content = file.read_bytes()
    for number, wrong in enumerate(
        (content[: len(content) // 2], b"no archive", content[:9])
    ):
        path = tmp_path / f"{number}.csv.gz"
        path.write_bytes(wrong)
        with pytest.raises(TrajpromptError, match=path.name):
            read_episodes(path)
    lines = gzip.decompress(content).decode().replace("last", "first")
    path = tmp_path / "names.csv.gz"
    path.write_bytes(gzip.compress(lines.encode()))
    with pytest.raises(TrajpromptError, match="column checkpoint"):
        read_episodes(path)
