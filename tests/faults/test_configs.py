"""Invalid configurations are refused; the full count is configs.py's."""

import configs
import pytest
from invalid_configs import cases

ALL = cases()


def test_there_are_enough_of_them():
    assert len(ALL) >= 200
    assert len({case.text for case in ALL}) == len(ALL)


def test_they_are_refused_by_name(tmp_path):
    """Every fourth of them."""
    outcomes = configs.judge(configs.in_process(tmp_path), ALL[::4])
    problems = [f"{o.case.name}: {o.problem}" for o in outcomes if o.problem]
    assert not problems, "\n".join(problems)


@pytest.mark.slow
def test_some_are_refused_before_any_job(tmp_path):
    """Every 100th of them, by `snakemake -n` in a copy of the workflow."""
    outcomes = configs.judge(configs.by_snakemake(tmp_path), ALL[::100])
    problems = [f"{o.case.name}: {o.problem}" for o in outcomes if o.problem]
    assert not problems, "\n".join(problems)
