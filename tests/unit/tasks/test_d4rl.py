"""The D4RL environments against Gymnasium's v5, step by step, and D4RL's scores."""

import gymnasium
import numpy as np
import pytest

from trajprompt.tasks.d4rl import ENVIRONMENTS, LEVELS, SUITES
from trajprompt.tasks.registry import get_suite, make_simulator

STEPS = 1000
V5 = {
    "halfcheetah": ("HalfCheetah-v5", {}),
    "hopper": ("Hopper-v5", {}),
    "walker2d": ("Walker2d-v5", {"xml_file": "walker2d.xml"}),
    "ant": (
        "Ant-v5",
        {"include_cfrc_ext_in_observation": False, "contact_cost_weight": 0.0},
    ),
}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_thousand_random_steps_equal_gymnasium(environment):
    suite = get_suite(f"{environment}-medium")
    simulator = make_simulator(suite, np.zeros(2, dtype=int))
    name, options = V5[environment]
    references = [gymnasium.make(name, **options).unwrapped for _ in range(2)]
    generator = np.random.default_rng(7)
    seeds = np.array([11, 12])
    observations = simulator.reset(seeds)
    for row, reference in enumerate(references):
        first, _ = reference.reset(seed=int(seeds[row]))
        np.testing.assert_array_equal(observations[row], first.astype(np.float32))
    falls = 0
    for _ in range(STEPS):
        actions = generator.uniform(-1, 1, (2, suite.action_dim)).astype(np.float32)
        step = simulator.step(actions)
        for row, reference in enumerate(references):
            after, reward, terminated, _, _ = reference.step(actions[row].astype(float))
            np.testing.assert_array_equal(step.observations[row], after.astype(np.float32))
            assert step.terminations[row] == terminated
            # v2 pays for staying alive on the step of the fall, v5 does not.
            bonus = 1.0 if terminated else 0.0
            assert step.rewards[row] == pytest.approx(reward + bonus, abs=1e-7)
        if step.terminations.any():
            falls += int(step.terminations.sum())
            seeds = seeds + 2
            simulator.reset(seeds, step.terminations)
            for row in np.flatnonzero(step.terminations):
                references[row].reset(seed=int(seeds[row]))
    assert (falls > 0) == (environment != "halfcheetah")


def test_the_walkers_feet_have_the_friction_of_version_2():
    simulator = make_simulator(get_suite("walker2d-medium"), np.zeros(1, dtype=int))
    friction = {
        name: simulator.model.geom(name).friction[0]
        for name in ("foot_geom", "foot_left_geom")
    }
    assert friction == {"foot_geom": 0.9, "foot_left_geom": 1.9}


@pytest.mark.parametrize("environment", ["hopper", "walker2d", "ant"])
def test_a_diverged_row_is_finite_and_unhealthy(environment):
    suite = get_suite(f"{environment}-medium")
    simulator = make_simulator(suite, np.zeros(2, dtype=int))
    simulator.reset(np.array([1, 2]))
    simulator._state[0, 3:] = np.nan  # as MuJoCo leaves it; it resets a row only later
    assert np.isfinite(simulator._observations()).all()
    assert simulator._unhealthy().tolist() == [True, False]


@pytest.mark.parametrize(
    ("environment", "low", "high"),
    [
        ("halfcheetah", -280.178953, 12135.0),
        ("hopper", -20.272305, 3234.3),
        ("walker2d", 1.629008, 4592.3),
        ("ant", -325.6, 3879.7),
    ],
)
def test_scores_0_and_100_are_d4rls_reference_returns(environment, low, high):
    """Of all levels: REF_MIN_SCORE and REF_MAX_SCORE of D4RL's ``d4rl/infos.py``."""
    for level in LEVELS:
        found = get_suite(f"{environment}-{level}").shown(np.array([low, high]))
        np.testing.assert_allclose(found, [0.0, 100.0], atol=1e-9)


def test_suites_of_an_environment_differ_only_in_their_data():
    assert len(SUITES) == len(ENVIRONMENTS) * len(LEVELS)
    for suite in SUITES:
        assert suite.name.startswith(f"{suite.environment}-")
        assert (suite.train_tasks, suite.test_tasks, suite.horizon) == ((0,), (0,), 1000)
