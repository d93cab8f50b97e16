"""One cycle of kill.py with a kill of each kind."""

import kill
import pytest

pytestmark = pytest.mark.slow


def test_a_run_killed_five_times_on_two_cores_equals_an_uninterrupted_one_on_one(tmp_path):
    results, seconds = kill.uninterrupted(tmp_path / "uninterrupted", "--cores", "1")
    kills = [kill.Kill(victim, 0.2 * seconds) for victim in kill.VICTIMS]
    outcome = kill.cycle(tmp_path / "cycle", results, kills)
    assert outcome.identical, outcome
