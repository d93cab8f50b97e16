"""Damaged files are refused or read correctly; mutations.py has the full count."""

import mutations
import pytest


@pytest.mark.slow
@pytest.mark.parametrize("kind", mutations.NAMES)
def test_no_reader_fails_on_damaged_files(kind):
    results = list(mutations.run(20, seed=1, kinds=[kind]))
    failures = [result for result in results if result.verdict not in mutations.FINE]
    assert not failures, failures
    assert any(result.verdict == "refused" for result in results)
