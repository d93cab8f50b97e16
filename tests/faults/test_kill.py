"""One of the cycles of kill.py, with three kills in it."""

import kill
import pytest

pytestmark = pytest.mark.slow


def test_a_run_killed_three_times_on_two_cores_ends_as_an_unharmed_one_on_one(tmp_path):
    results, seconds = kill.unharmed(tmp_path / "unharmed", "--cores", "1")
    kills = [kill.Kill(victim, 0.2 * seconds) for victim in kill.VICTIMS]
    outcome = kill.cycle(tmp_path / "cycle", results, kills)
    assert outcome.identical, outcome
