"""Every step equals that of jaxmarl 0.2.0, up to the rounding of float32.

tests/peers/smax_reference.py made the recording. Its random delays and choices of opponents
are injected; nothing else is random in a step.
"""

import pytest

from support.smax_recording import Recording
from trajprompt.smax.battle import LIMIT, SIZE
from trajprompt.smax.scenarios import SCENARIOS


@pytest.fixture(scope="module", params=SCENARIOS)
def recording(request):
    return Recording(request.param)


def test_starts_are_those_of_the_offsets(recording):
    assert recording.starts_differ() < 1e-5


def test_steps(recording):
    differences = recording.steps_differ()
    assert differences["positions"] < 1e-5
    assert differences["cooldowns"] < 1e-6
    assert differences["rewards"] < 1e-6
    exact = {key: differences[key] for key in ("health", "ends", "winners")}
    assert not any(exact.values()), exact


def test_observations_and_available_actions(recording):
    differences = recording.observations_differ()
    assert differences["observations"] < 1e-6
    assert differences["available"] == 0


def test_heuristic(recording):
    wrong, actions = recording.actions_differ()
    assert (wrong, actions > 100) == (0, True)


def test_the_limit_of_time(recording):
    assert recording.arrays["limit"] == LIMIT


def test_the_recording_has_hits_and_ends(recording):
    assert (recording.arrays["delays"] != 0).sum() > 20
    assert recording.arrays["ended"][recording.played].any()


def test_the_recording_has_deaths_at_the_edge():
    arrays = Recording("8m").arrays
    edge = (arrays["positions"][..., 1] >= SIZE) & (arrays["health"] == 0)
    assert edge.any()
