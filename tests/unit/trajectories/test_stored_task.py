"""Tasks in a store, of which only the used episodes are read."""

import h5py
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.fake_suite import fake_suite
from support.slow_segments import SCALE, generator, make_task
from trajprompt.errors import TrajpromptError
from trajprompt.models.pretraining_data import hold_out, prepare
from trajprompt.trajectories import episode_table, episodes, row_table, store
from trajprompt.trajectories.episode_table import EpisodeTable
from trajprompt.trajectories.layout import COLUMNS
from trajprompt.trajectories.store import open_tasks, read_trajectories, write_trajectories

SUITE = fake_suite(horizon=12, goals=np.zeros((4, 1)), train_tasks=(0, 1), test_tasks=(2,))
LENGTHS = st.lists(st.integers(1, 12), min_size=1, max_size=20)


def write(path, *lengths):
    """Store with a task for each list of lengths, in chunks of five rows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "CHUNK_ROWS", 5)
        write_trajectories(
            path, SUITE, [make_task(i, x) for i, x in enumerate(lengths)], {}
        )
    return path


def assert_equal(one, other):
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        assert getattr(one, name).dtype == getattr(other, name).dtype


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(LENGTHS, st.data())
def test_a_selection_is_that_of_the_task_in_memory(tmp_path, lengths, data):
    path = write(tmp_path / "t.h5", lengths)
    stored, whole = open_tasks(path, suite=SUITE)[0], read_trajectories(path)[0]
    episode = st.integers(0, len(lengths) - 1)
    chosen = data.draw(st.lists(episode, min_size=1, max_size=9))
    again = data.draw(st.lists(st.integers(0, len(chosen) - 1), min_size=1, max_size=9))
    count = data.draw(st.integers(1, len(lengths)))
    for select in (
        lambda task: task,
        lambda task: task.select(chosen),
        lambda task: task.select(chosen).select(again),
        lambda task: task.last_fraction(0.4),
        lambda task: task.quality("medium", count),
        lambda task: hold_out(task)[0],
        lambda task: hold_out(task)[1],
    ):
        found, expected = select(stored), select(whole)
        assert_equal(found.read(), expected)
        np.testing.assert_array_equal(found.returns, expected.returns)
        np.testing.assert_array_equal(found.behaviour_step, expected.behaviour_step)
        assert found.dimensions == expected.dimensions
        assert found.num_episodes == expected.num_episodes


@settings(max_examples=40, deadline=None)
@given(LENGTHS, st.integers(1, 40))
def test_parts_are_all_episodes_in_order(lengths, rows):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(episodes, "PART_ROWS", rows)
        parts = [part.read() for part in make_task(0, lengths).split()]
    assert np.concatenate([part.lengths for part in parts]).tolist() == lengths
    joined = np.concatenate([part.observations for part in parts])
    np.testing.assert_array_equal(joined, make_task(0, lengths).observations)
    assert all(sum(part.lengths[1:]) <= rows for part in parts)


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(LENGTHS, min_size=2, max_size=2), st.integers(1, 30))
def test_bits_depend_neither_on_parts_nor_on_where_the_table_is(tmp_path, lengths, rows):
    """Store read part by part, tables in files; and everything at once in memory."""
    path = write(tmp_path / "t.h5", *([*steps, 7] for steps in lengths))
    plain = list(read_trajectories(path).values())
    expected = prepare(plain, 0.7, 1, 2, SCALE, "cpu")
    with pytest.MonkeyPatch.context() as patch:
        for module in (episodes, episode_table):
            patch.setattr(module, "PART_ROWS", rows)
        patch.setattr(row_table, "LARGEST_IN_MEMORY", 0)
        found = prepare(
            list(open_tasks(path).values()), 0.7, 1, 2, SCALE, "cpu", folder=tmp_path
        )
        assert found.contexts._table._mapping is not None
        for name in ("mean", "std"):
            one, other = (getattr(x.normaliser, name) for x in (found, expected))
            assert torch.equal(one, other)
        for part in ("contexts", "validation", "demonstrations"):
            one, other = (getattr(x, part) for x in (found, expected))
            assert torch.equal(one._table.values, other._table.values)
            draws = (x.sample_contexts(generator(), 9, 5) for x in (one, other))
            assert all(torch.equal(a, b) for a, b in zip(*draws, strict=True))


def test_only_the_bytes_of_used_episodes_are_read_and_checked(tmp_path):
    """A damaged chunk of the first episodes is an error only where it is used."""
    path = write(tmp_path / "t.h5", [10] * 4)
    with h5py.File(path) as file:
        offset = file["task_0/observations"].id.get_chunk_info(0).byte_offset
    data = bytearray(path.read_bytes())
    data[offset + 3] ^= 0xFF
    path.write_bytes(data)
    task = open_tasks(path)[0]
    expected = make_task(0, [10] * 4).quality("expert", 3)
    assert_equal(task.quality("expert", 3).read(), expected)
    np.testing.assert_array_equal(task.returns, make_task(0, [10] * 4).returns)
    for use in (task.read, lambda: EpisodeTable.of([task], SCALE)):
        with pytest.raises(TrajpromptError, match=r"t\.h5:task_0: damaged or not HDF5"):
            use()


def test_values_that_are_not_finite_are_refused_where_they_are_used(tmp_path):
    path = write(tmp_path / "t.h5", [10] * 4)
    with h5py.File(path, "r+") as file:
        file["task_0/rewards"][25] = np.nan
    task = open_tasks(path)[0]
    assert len(task.quality("expert", 1).returns) == 1
    for use in (lambda: task.returns, lambda: task.quality("expert", 2).read()):
        with pytest.raises(TrajpromptError, match="task_0/rewards: found 1 values"):
            use()


def test_the_file_stays_open_while_a_task_is_used(tmp_path):
    path = write(tmp_path / "t.h5", [3], [4, 5])
    task = open_tasks(path, [1])[1].select([1])
    path.unlink()
    assert_equal(task.read(), make_task(1, [4, 5]).select([1]))
