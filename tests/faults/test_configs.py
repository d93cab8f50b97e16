"""Invalid configurations are refused; the full count is configs.py's."""

import configs
import pytest
from invalid_configs import DEFAULT, by_kind, cases

ALL, KINDS = cases(), by_kind()


def test_every_section_has_a_value_against_its_rule():
    broken = {case.name.partition(":")[0] for case in KINDS["a value against its rule"]}
    assert {path.partition(".")[0] for path in broken} >= set(DEFAULT)


def test_every_suite_and_method_has_a_wrong_option():
    broken = {case.name.partition(":")[0] for case in KINDS["an option"]}
    assert {f"collect.{suite}.options.colour" for suite in DEFAULT["suites"]} <= broken
    methods = DEFAULT["tune"]["methods"]
    assert {f"tune.methods.{name}.options.colour" for name in methods} <= broken


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_fault_is_tried(kind):
    """In the tests below, too, which take only a part of the cases."""
    assert {case.text for case in KINDS[kind]} & {case.text for case in ALL[::4]}


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
