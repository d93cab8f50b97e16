"""One of the cycles of kill.py with three kills in it, and one core against two."""

import kill
import pytest
from leftovers import differences

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("killed")


@pytest.fixture(scope="module")
def reference(folder):
    return kill.unharmed(folder / "unharmed")


def test_a_run_killed_three_times_ends_with_the_same_bytes(folder, reference):
    results, seconds = reference
    kills = [kill.Kill(victim, 0.3 * seconds) for victim in kill.VICTIMS]
    outcome = kill.cycle(folder / "cycle", results, kills)
    assert outcome.identical, outcome


def test_one_core_gives_the_bytes_of_two(folder, reference):
    workflow = kill.prepare(folder / "one_core")
    done = workflow.snakemake(*kill.CONFIG, "--cores", "1")
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert not differences(reference[0], workflow.folder / "results/killed")
