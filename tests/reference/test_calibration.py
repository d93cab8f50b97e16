"""The laptop preset has the choices of the kept calibration."""

import pandas as pd
import pytest

from support.paths import CONFIG, ROOT
from trajprompt.config.choices import differences, read_choices
from trajprompt.config.load import load_config
from trajprompt.report.pages.calibration import choices

KEPT = ROOT / "results/reference/calibration"
pytestmark = pytest.mark.skipif(not KEPT.is_dir(), reason="no kept calibration")


def test_the_preset_has_the_choices():
    found = differences(load_config([CONFIG]), read_choices(KEPT / "choices.yaml"))
    assert [str(one) for one in found] == []


def test_the_choices_are_those_of_the_table():
    table = pd.read_csv(KEPT / "calibration.csv")
    assert choices(table) == read_choices(KEPT / "choices.yaml")


def test_three_backbones_judge_every_setting():
    table = pd.read_csv(KEPT / "calibration.csv")
    assert (table["backbones"] >= 3).all()
    cells = table.groupby(["suite", "method"])
    assert (cells.size() == 6).all() and (cells["chosen"].sum() == 1).all()
    assert (cells["paper"].sum() == 1).all()
