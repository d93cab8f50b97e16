"""Fixtures: the invented run, as read by the report, and its table of cells."""

import pandas as pd
import pytest

from support import report_run
from trajprompt.report.numbers.cell_table import (
    cell_table,
)
from trajprompt.report.read.run import Run, load_run

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
