"""SAC as a teacher: its snapshots, and resuming."""

import numpy as np
import pytest
import torch

from trajprompt.collect.options import SacTeacherOptions, TeacherOptions
from trajprompt.collect.sac_teacher import SacTeacher
from trajprompt.tasks.registry import get_suite, make_simulator

OPTIONS = SacTeacherOptions(
    rows=4, updates_per_step=0.5, random_steps=4000, width=16, batch=16
)
LENGTH = TeacherOptions(steps=8000, snapshot_every=3000)


def teacher():
    simulator = make_simulator(get_suite("hopper-medium-replay"), np.zeros(4, np.int64), 1)
    return SacTeacher(simulator, OPTIONS, LENGTH, 1, "cpu")


def learned(learner, first=0, end=None):
    """The learner after its steps from ``first`` to ``end``, by default the last."""
    for now in range(first, learner.total if end is None else end):
        learner.advance(now)
    return learner


@pytest.fixture(scope="module")
def straight():
    return learned(teacher())


def test_it_keeps_the_untrained_and_the_last_policy(straight):
    assert [done for done, _ in straight.snapshots] == [0, 3000, 6000, 8000]
    first, second, *_, last = (policy.weights[0] for _, policy in straight.snapshots)
    np.testing.assert_array_equal(first, second)  # random actions until step 4000
    assert not np.array_equal(second, last)


def test_a_snapshot_acts_as_the_learner(straight):
    observations = straight.collection.observations
    policy = straight.snapshots[-1][1]
    mean, _ = policy.gaussian(observations)
    expected = straight.agent.act(torch.from_numpy(observations)[None], explore=False)
    np.testing.assert_allclose(np.tanh(mean), expected[0], atol=1e-5)


def test_a_resumed_teacher_has_the_same_policies(straight):
    stopped, resumed = learned(teacher(), end=1600), teacher()
    resumed.restore(stopped.state())
    learned(resumed, first=1600)
    for (_, ours), (_, theirs) in zip(straight.snapshots, resumed.snapshots, strict=True):
        for name, array in ours.arrays().items():
            np.testing.assert_array_equal(array, theirs.arrays()[name])
