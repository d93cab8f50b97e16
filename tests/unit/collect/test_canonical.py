"""Canonical perspective of the ant: its symmetry and the inverse."""

import numpy as np

from trajprompt.collect.canonical import Canonical
from trajprompt.tasks.ant import rename_legs, turn
from trajprompt.tasks.registry import get_suite, make_simulator


def test_symmetries_preserve_the_ant_dynamics():
    """Ants with equal canonical states and actions keep equal canonical states."""
    suite = get_suite("ant-dir")
    tasks = np.array([0, 1, 2, 5])  # 69, 24, 283 and 207 degrees: all four quarters
    view = Canonical(suite, suite.symmetry, tasks, 0.98)
    assert len(set(view.symmetry.quarters)) == 4
    simulator = make_simulator(suite, tasks)
    first = simulator.reset(np.full(4, 7))
    for row in range(1, 4):
        _imitate(simulator, view, row)
    rng = np.random.default_rng(0)
    for now in range(6):
        actions = np.repeat(rng.uniform(-1, 1, (1, 8)), 4, axis=0)
        simulated = view.to_simulator(actions)
        np.testing.assert_allclose(view.to_agent(simulated), actions)
        after = simulator.step(simulated)
        features = view.observe(after.observations)
        np.testing.assert_allclose(features, np.tile(features[0], (4, 1)), atol=1e-3)
        if now:  # the first velocity is measured from the position before _imitate
            np.testing.assert_allclose(after.rewards, after.rewards[0], atol=1e-3)
    assert (
        np.abs(first[1] - first[0]).max() < 1e-6
    )  # initially equal in the simulator's view
    assert np.abs(after.observations[1] - after.observations[0]).max() > 0.1


def _imitate(simulator, view, row: int) -> None:
    """Set ``row`` to the state with the same canonical observation as row 0."""
    import mujoco

    data, model = simulator.data[0], simulator.model
    state = np.concatenate([data.qpos[2:], data.qvel])[None]
    angles = [np.array([view.symmetry.angles[i]]) for i in (0, row)]
    quarters = np.array([view.symmetry.quarters[0] - view.symmetry.quarters[row]])
    state = rename_legs(turn(state, angles[1] - angles[0]), quarters)[0]
    other = simulator.data[row]
    other.qpos[:2] = 0
    other.qpos[2:], other.qvel[:] = state[:13], state[13:]
    mujoco.mj_forward(model, other)


def test_turning_and_renaming_back_restores_observations():
    rng = np.random.default_rng(0)
    observations = rng.normal(size=(6, 27))
    angles, quarters = rng.uniform(-3.1, 3.1, 6), np.arange(6)
    back = turn(turn(observations, angles), -angles)
    np.testing.assert_allclose(back, observations, atol=1e-12)
    back = rename_legs(rename_legs(observations, quarters), -quarters)
    back[:, 1:5] *= np.sign(back[:, 1:2] * observations[:, 1:2])
    np.testing.assert_allclose(back, observations, atol=1e-12)


def test_every_ant_starts_within_45_degrees_of_its_goal():
    suite = get_suite("ant-dir")
    view = Canonical(suite, suite.symmetry, np.arange(50), 0.98)
    standing = np.zeros((50, 27))
    standing[:, 1] = 1.0  # upright, front to +x
    w, z = view.observe(standing)[:, [1, 4]].T
    assert np.abs(2 * np.arctan2(z, w)).max() <= np.pi / 4 + 1e-9
