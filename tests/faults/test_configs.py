"""A selection of invalid configurations is refused; configs.py tests all of them."""

import configs
import pytest
from invalid_configs import DEFAULT, FALLBACKS, KINDS, by_kind

CASES = by_kind()
MAX_PER_KIND = 20  # cases per kind in this test


def problems(check, chosen):
    outcomes = configs.judge(check, chosen)
    return "\n".join(f"{o.case.name}: {o.problem}" for o in outcomes if o.problem)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_refused_by_its_key(kind, tmp_path):
    chosen = CASES[kind][:: 1 + len(CASES[kind]) // MAX_PER_KIND]
    assert chosen and not problems(configs.in_process(tmp_path), chosen)


def test_every_section_has_values_of_another_type():
    broken = {case.key.partition(".")[0] for case in CASES["another type"]}
    assert broken == set(DEFAULT) - {"grids"}  # expanded before the schema of a run


def test_every_section_that_a_run_needs_is_missing_once():
    missing = {case.name for case in CASES["a missing key"]}
    needed = {"suites", "compute", "collect", "conditions", "methods"}
    needed |= {"entries", "tables"}
    assert {f"{name}: removed" for name in needed} <= missing
    assert not missing & {f"{name}: removed" for name in FALLBACKS}


def test_every_suite_and_method_has_an_unknown_option():
    wrong = {case.key for case in CASES["an unknown option"]}
    assert wrong == {
        *(f"collect.{suite}.options.colour" for suite in DEFAULT["suites"]),
        *(f"methods.{name}.options.colour" for name in DEFAULT["methods"]),
    }


@pytest.mark.slow
def test_one_of_each_kind_is_refused_before_any_job(tmp_path):
    """With `snakemake -n` in a copy of the workflow."""
    chosen = [found[len(found) // 2] for found in CASES.values()]
    assert not problems(configs.by_snakemake(tmp_path), chosen)
