"""Walkers with changed bodies against Gymnasium's Walker2d with the same changes."""

from dataclasses import replace

import gymnasium
import numpy as np
import pytest

from trajprompt.tasks.d4rl import Walker2d
from trajprompt.tasks.registry import get_suite, make_simulator
from trajprompt.tasks.suites import HERE
from trajprompt.tasks.walker_params import WalkerParams

SUITE = get_suite("walker-params")
TABLE = np.loadtxt(HERE / SUITE.table, delimiter=",", skiprows=6)[:, 1:]
TASKS = np.array([0, 41, 7, 49])
STEPS = 500


def random_actions(rows, steps=STEPS):
    generator = np.random.default_rng(3)
    return generator.uniform(-1, 1, (steps, rows, 6)).astype(np.float32)


def gymnasium_walker(task):
    """Gymnasium's environment with the parameters of a task and steps of 16 ms."""
    made = gymnasium.make("Walker2d-v5", xml_file="walker2d.xml").unwrapped
    model, (mass, inertia, damping, friction) = (
        made.model,
        np.split(TABLE[task], [8, 32, 41]),
    )
    model.opt.timestep = 0.004
    model.body_mass[:] = model.body_mass * 1.5**mass
    model.body_inertia[:] = model.body_inertia * (1.5**inertia).reshape(8, 3)
    model.dof_damping[:] = model.dof_damping * 1.3**damping
    model.geom_friction[:] = model.geom_friction * (1.5**friction).reshape(8, 3)
    return made


def test_equal_to_gymnasium_with_the_same_parameters():
    simulator = make_simulator(SUITE, TASKS, threads=2)
    references = [gymnasium_walker(task) for task in TASKS]
    seeds, falls = np.arange(4) + 20, 0
    observations = simulator.reset(seeds)
    for row, reference in enumerate(references):
        first, _ = reference.reset(seed=int(seeds[row]))
        np.testing.assert_array_equal(observations[row], first.astype(np.float32))
    for actions in random_actions(4):
        step = simulator.step(actions)
        for row, reference in enumerate(references):
            before = reference.data.qpos[0]
            after, _, terminated, _, _ = reference.step(actions[row].astype(float))
            np.testing.assert_array_equal(step.observations[row], after.astype(np.float32))
            assert step.terminations[row] == terminated
            speed = (reference.data.qpos[0] - before) / 0.016
            cost = 1e-3 * np.square(actions[row].astype(float)).sum()
            # Staying alive is also paid on the step of the fall, unlike in Gymnasium.
            assert step.rewards[row] == pytest.approx(speed + 1 - cost, abs=1e-7)
        if step.terminations.any():
            falls += int(step.terminations.sum())
            seeds = seeds + 4
            simulator.reset(seeds, step.terminations)
            for row in np.flatnonzero(step.terminations):
                references[row].reset(seed=int(seeds[row]))
    assert falls > 20 and np.abs(step.observations[:, 8:]).max() <= 10


def test_factors_of_1_give_the_ordinary_walker_with_longer_steps(tmp_path):
    class LongSteps(Walker2d):
        timestep = 0.004

    lines = (HERE / SUITE.table).read_text().splitlines()[:6]
    lines.append(",".join(["0"] * 66))
    (tmp_path / "ones.csv").write_text("\n".join(lines))
    ones = replace(SUITE, goals=np.zeros((1, 7)), table=str(tmp_path / "ones.csv"))
    tasks = np.zeros(3, int)
    pair = WalkerParams(ones, tasks), LongSteps(ones, tasks)
    assert pair[0].dt == pair[1].dt == SUITE.dt
    found, expected = (one.reset(np.arange(3)) for one in pair)
    np.testing.assert_array_equal(found, expected)
    for now, action in enumerate(random_actions(3)):
        steps = [one.step(action) for one in pair]
        for one, other in zip(*steps, strict=True):
            np.testing.assert_array_equal(one, other)
        for simulator in pair:
            simulator.reset(np.arange(3) + now, steps[0].terminations)


def test_rows_do_not_depend_on_other_rows():
    tasks = np.array([3, 3, 45, 12, 45])
    together, alone = make_simulator(SUITE, tasks), make_simulator(SUITE, tasks[2:3])
    seeds = np.array([8, 9, 8, 8, 9])
    together.reset(seeds), alone.reset(seeds[2:3])
    for action in random_actions(5, steps=12):
        many, one = together.step(action), alone.step(action[2:3])
        np.testing.assert_array_equal(many.observations[2], one.observations[0])
        assert many.rewards[2] == one.rewards[0]


def test_tasks_differ_but_rows_of_a_task_share_a_model():
    simulator = make_simulator(SUITE, np.array([3, 3, 45]))
    first = simulator.reset(np.full(3, 5))
    np.testing.assert_array_equal(first, np.tile(first[:1], (3, 1)))
    after = simulator.step(np.repeat(random_actions(1, 1)[0], 3, axis=0)).observations
    np.testing.assert_array_equal(after[0], after[1])
    assert (after[0] != after[2]).any()
    assert simulator._models[0] is simulator._models[1]
    assert simulator.model.body("torso").mass[0] == pytest.approx(3.66519143)


def test_exponents_are_those_of_their_seed():
    drawn = np.random.RandomState(1337).uniform(-3, 3, (50, 65))
    np.testing.assert_allclose(TABLE, drawn, atol=5.1e-6)
    np.testing.assert_array_equal(SUITE.goals, TABLE[:, 1:8])
    assert SUITE.train_tasks == tuple(range(40)) and SUITE.test_tasks[-1] == 49


def test_random_actions_leave_every_walker_finite():
    simulator = make_simulator(SUITE, np.arange(50))
    simulator.reset(np.arange(50))
    for now, action in enumerate(random_actions(50, steps=200)):
        step = simulator.step(action)
        assert np.isfinite(step.observations).all() and np.isfinite(step.rewards).all()
        assert np.isfinite(simulator._state).all()
        simulator.reset(np.arange(50) + now, step.terminations)
