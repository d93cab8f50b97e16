"""The trajectory store: round trips, quality levels, and every kind of invalid file."""

import dataclasses
import hashlib
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.fake_suite import fake_suite
from trajprompt.artifacts.hdf5_attributes import write_attributes
from trajprompt.errors import TrajpromptError
from trajprompt.trajectories import store
from trajprompt.trajectories.layout import COLUMNS
from trajprompt.trajectories.store import (
    TaskTrajectories,
    read_attributes,
    read_trajectories,
    write_trajectories,
)

SUITE = fake_suite(
    horizon=9, goals=np.arange(8.0)[:, None], train_tasks=(0, 1), test_tasks=(2,)
)


def make_task(task: int, lengths: list[int], seed: int = 0) -> TaskTrajectories:
    """Task with random data in episodes of the given lengths."""
    rng = np.random.default_rng([seed, task])
    rows, ends = sum(lengths), np.cumsum(lengths)
    terminations = np.zeros(rows, dtype=bool)
    terminations[ends[::2] - 1] = True
    return TaskTrajectories(
        task=task,
        goal=np.array([0.075 * task]),
        observations=rng.normal(size=(rows, 3)).astype(np.float32),
        actions=rng.uniform(-1, 1, size=(rows, 2)).astype(np.float32),
        rewards=rng.normal(size=rows).astype(np.float32),
        terminations=terminations,
        episode_ends=ends,
        final_observations=rng.normal(size=(len(lengths), 3)).astype(np.float32),
        behaviour_step=ends.copy(),
        attributes={"algorithm": "td3", "seed": 3, "temperature": 0.5},
    )


def assert_equal(one: TaskTrajectories, other: TaskTrajectories) -> None:
    assert one.task == other.task
    assert one.attributes == other.attributes
    np.testing.assert_array_equal(one.goal, other.goal)
    for name, column in COLUMNS.items():
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        assert getattr(other, name).dtype.str == column.dtype


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    path = tmp_path / "trajectories.h5"
    tasks = [make_task(4, [5, 1, 9]), make_task(2, [3, 7])]
    curve = np.array([[100.0, -3.0], [200.0, -1.5]])
    write_trajectories(path, SUITE, tasks, {"stage": "collect"}, curve)
    return path


LENGTHS = st.lists(st.integers(1, 9), min_size=1, max_size=12)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.dictionaries(st.integers(0, 60), LENGTHS, min_size=1, max_size=3), st.integers(0, 9)
)
def test_round_trip(tmp_path: Path, episodes: dict[int, list[int]], seed: int) -> None:
    path = tmp_path / "round.h5"
    tasks = [make_task(task, lengths, seed) for task, lengths in episodes.items()]
    write_trajectories(path, SUITE, tasks, {"stage": "collect"})
    read = read_trajectories(path, suite=SUITE)
    assert list(read) == sorted(episodes)
    for task in tasks:
        assert_equal(task, read[task.task])
        assert read[task.task].lengths.tolist() == episodes[task.task]


def test_equal_content_gives_equal_bytes(tmp_path: Path) -> None:
    hashes = set()
    for name, order in (("a", [0, 1]), ("b", [1, 0])):
        tasks = [make_task(task, [4, 2]) for task in order]
        write_trajectories(tmp_path / name, SUITE, tasks, {"stage": "collect"})
        hashes.add(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert len(hashes) == 1


def test_a_task_is_read_when_the_one_before_is_written(tmp_path: Path, monkeypatch) -> None:
    events: list[str] = []
    write_task = store._write_task

    def logged(group: h5py.Group, suite: object, task: TaskTrajectories) -> None:
        write_task(group, suite, task)
        events.append(f"write {task.task}")

    @dataclasses.dataclass
    class Source:
        task: int

        def read(self) -> TaskTrajectories:
            events.append(f"read {self.task}")
            return make_task(self.task, [3])

    monkeypatch.setattr(store, "_write_task", logged)
    write_trajectories(tmp_path / "t.h5", SUITE, [Source(2), Source(0)], {})
    assert events == ["read 0", "write 0", "read 2", "write 2"]
    assert_equal(make_task(2, [3]), read_trajectories(tmp_path / "t.h5")[2])


def test_only_requested_tasks_are_read(stored: Path) -> None:
    assert list(read_trajectories(stored, [4])) == [4]
    with pytest.raises(
        TrajpromptError, match=r"trajectories.h5: found tasks \[2, 4\].*also \[3\]"
    ):
        read_trajectories(stored, [3, 4])


def test_everything_describes_itself(stored: Path) -> None:
    with h5py.File(stored) as file:
        datasets: list[h5py.Dataset] = []
        file.visititems(
            lambda _, item: (
                datasets.append(item) if isinstance(item, h5py.Dataset) else None
            )
        )
        assert len(datasets) == 2 * len(COLUMNS) + 1
        assert all(item.attrs["description"] and item.attrs["unit"] for item in datasets)
        group = file["task_4"]
        returns = make_task(4, [5, 1, 9]).returns
        assert group.attrs["return_mean"] == pytest.approx(returns.mean())
        assert group.attrs["goal"] == pytest.approx(0.3)
        assert (group.attrs["horizon"], group.attrs["dt"]) == (9, 0.05)
        assert file["learning_curve"].attrs["columns"] == (
            b'["environment_steps_per_task", "mean_return"]'
        )
    attributes = read_attributes(stored)
    assert (attributes["suite"], attributes["stage"]) == ("fake", "collect")


def test_returns_and_selection() -> None:
    task = make_task(0, [2, 3, 1])
    sums = [task.rewards[0:2], task.rewards[2:5], task.rewards[5:6]]
    np.testing.assert_allclose(task.returns, [part.astype(float).sum() for part in sums])
    swapped = task.select([2, 0])
    np.testing.assert_array_equal(swapped.rewards, task.rewards[[5, 0, 1]])
    np.testing.assert_array_equal(swapped.episode_ends, [1, 3])
    np.testing.assert_array_equal(
        swapped.final_observations, task.final_observations[[2, 0]]
    )
    np.testing.assert_array_equal(swapped.behaviour_step, task.behaviour_step[[2, 0]])


@pytest.mark.parametrize(
    ("level", "kept"), [("expert", [4, 5, 6]), ("medium", [2, 3, 4]), ("random", [0, 1, 2])]
)
def test_quality_is_the_time_of_collection(level: str, kept: list[int]) -> None:
    task = make_task(0, [1, 2, 3, 4, 5, 6, 7])
    assert (task.quality(level, 3).lengths - 1).tolist() == kept


def test_levels_have_at_most_a_third_of_the_episodes_each() -> None:
    task = make_task(0, range(1, 12))
    found = {
        level: (task.pool(level, 256).lengths - 1).tolist()
        for level in ("random", "medium", "expert")
    }
    assert found == {"random": [0, 1, 2], "medium": [4, 5, 6], "expert": [8, 9, 10]}
    assert (task.pool("expert", 2).lengths - 1).tolist() == [9, 10]
    assert make_task(0, [1, 2]).pool("random", 5).num_episodes == 1


@pytest.mark.parametrize(("level", "kept"), [("medium", [5, 9]), ("random", [0, 4])])
def test_demonstrations_are_spread_over_the_pool(level, kept) -> None:
    task = make_task(0, range(1, 16))
    assert (task.demonstrations(level, 2, 5).lengths - 1).tolist() == kept
    few = task.demonstrations(level, 6, 5)
    np.testing.assert_array_equal(few.lengths, task.quality(level, 6).lengths)


@pytest.mark.parametrize(
    ("returns", "kept"),
    [([9, 0, 1, 5, 2, 4], [3, 5]), ([0, 0, 0, 0, 1, 0], [4, 5]), ([0] * 6, [4, 5])],
)
def test_expert_demonstrations_are_the_best_of_the_last(returns, kept) -> None:
    """The pool is episodes 2 to 5, kept in the order of collection."""
    task = make_task(0, range(1, 19))
    rewards = np.zeros(len(task.rewards), np.float32)
    rewards[task.starts[12:]] = returns
    task = dataclasses.replace(task, rewards=rewards)
    chosen = task.demonstrations("expert", 2, 4)
    assert (chosen.lengths - 13).tolist() == kept


def test_quality_with_too_many_episodes_or_unknown() -> None:
    task = make_task(5, [2, 2])
    with pytest.raises(TrajpromptError, match="task 5: found 3 expert episodes.*1 to 2"):
        task.quality("expert", 3)
    with pytest.raises(TrajpromptError, match="'best'.*expert, medium, random"):
        task.quality("best", 1)


def test_last_fraction() -> None:
    task = make_task(0, [1, 2, 3, 4, 5, 6, 7, 8, 9, 1])
    assert task.last_fraction(0.3).lengths.tolist() == [8, 9, 1]
    assert task.last_fraction(1.0).num_episodes == 10
    assert task.last_fraction(1e-3).num_episodes == 1
    with pytest.raises(TrajpromptError, match="fraction 0"):
        task.last_fraction(0.0)


def expect_bad(path: Path, match: str) -> None:
    with pytest.raises(TrajpromptError, match=match) as caught:
        read_trajectories(path)
    assert path.name in str(caught.value)


def test_missing_and_unrelated_files(tmp_path: Path) -> None:
    expect_bad(tmp_path / "none.h5", "missing or empty")
    unrelated = tmp_path / "unrelated.h5"
    unrelated.write_text("return,length\n1,2\n")
    expect_bad(unrelated, "damaged or not HDF5")
    with h5py.File(unrelated, "w", libver="latest") as file:
        file["observations"] = np.zeros(3)
    expect_bad(unrelated, "kind None; expected kind trajectories")


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.999])
def test_truncated_file(stored: Path, kept: float) -> None:
    data = stored.read_bytes()
    stored.write_bytes(data[: int(kept * len(data))])
    expect_bad(stored, "damaged or not HDF5")


def test_damaged_bytes_inside_a_dataset(stored: Path) -> None:
    with h5py.File(stored) as file:
        offset = file["task_2/observations"].id.get_chunk_info(0).byte_offset
    data = bytearray(stored.read_bytes())
    data[offset + 10] ^= 0xFF
    stored.write_bytes(data)
    expect_bad(stored, "damaged")


def replace(path: Path, name: str, values: np.ndarray | None) -> None:
    with h5py.File(path, "r+") as file:
        del file[name]
        if values is not None:
            file[name] = values


WRONG_TYPE = (
    r"actions: found type float64, shape \(10, 2\); expected type float32, shape \(N, A\)"
)
WRONG_SHAPE = r"actions: found type float32, shape \(10,\); expected .* shape \(N, A\)"


@pytest.mark.parametrize(
    ("name", "values", "match"),
    [
        ("actions", None, "task_2/actions: no such dataset"),
        ("actions", np.zeros((10, 2)), WRONG_TYPE),
        ("actions", np.zeros(10, "f4"), WRONG_SHAPE),
        ("rewards", np.zeros(9, "f4"), r"rewards: found shape \(9,\); expected 10 for N"),
        ("rewards", np.full(10, np.nan, "f4"), "rewards: found 10 values that are not"),
        ("episode_ends", np.array([3, 9]), "episode_ends: ends do not fit.*10"),
        ("episode_ends", np.array([10, 10]), "episode_ends: ends do not fit"),
        ("episode_ends", np.array([-1, 10]), "episode_ends: ends do not fit"),
        ("episode_ends", np.array([10]), r"final_observations: found shape \(2, 3\)"),
    ],
)
def test_wrong_dataset(stored: Path, name: str, values: np.ndarray, match: str) -> None:
    replace(stored, f"task_2/{name}", values)
    expect_bad(stored, match)


def test_a_huge_claim_is_rejected_before_allocation(stored: Path) -> None:
    with h5py.File(stored, "r+") as file:
        del file["task_2/observations"]
        file["task_2"].create_dataset("observations", (10**12, 3), "f4", chunks=(4096, 3))
    expect_bad(stored, "claims 12000000000000 bytes and stores 0;")


def test_other_schema_or_suite(stored: Path) -> None:
    other = dataclasses.replace(SUITE, name="other")
    with pytest.raises(TrajpromptError, match="suite fake; expected suite other"):
        read_trajectories(stored, suite=other)
    with h5py.File(stored, "r+") as file:
        write_attributes(file, {"schema_version": "99"})
    expect_bad(stored, "schema version 99; expected schema version 1")


def test_writing_bad_episodes_leaves_the_old_file(stored: Path) -> None:
    before = stored.read_bytes()
    wider = dataclasses.replace(SUITE, state_dim=5)
    with pytest.raises(TrajpromptError, match="an episode of 10 steps; expected at most 9"):
        write_trajectories(stored, SUITE, [make_task(0, [10])], {})
    with pytest.raises(TrajpromptError, match="state and action dimensions"):
        write_trajectories(stored, wider, [make_task(0, [2])], {})
    assert stored.read_bytes() == before
    assert [path.name for path in stored.parent.iterdir()] == [stored.name]


def test_a_learning_curve_has_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "curve.h5"
    with pytest.raises(TrajpromptError, match=r"learning_curve: found shape \(3, 5\)"):
        write_trajectories(path, SUITE, [make_task(0, [2])], {}, np.zeros((3, 5)))


def test_the_highest_compression_is_accepted(tmp_path: Path) -> None:
    """All-zero data, the most compressible, remain readable."""
    rows = 100_000
    suite = dataclasses.replace(SUITE, horizon=rows)
    task = make_task(0, [rows])
    task.observations[:] = 0
    task.actions[:] = 0
    write_trajectories(tmp_path / "zeros.h5", suite, [task], {})
    assert_equal(task, read_trajectories(tmp_path / "zeros.h5")[0])


def test_a_store_whose_arrays_do_not_fit_the_suite(stored: Path) -> None:
    wider = dataclasses.replace(SUITE, state_dim=5)
    with pytest.raises(TrajpromptError, match="task_2: found state and action dim"):
        read_trajectories(stored, suite=wider)


@pytest.mark.parametrize("name", ["task_x", "task_02", "task_", "note"])
def test_unexpected_names_in_a_store(stored: Path, name: str) -> None:
    with h5py.File(stored, "r+") as file:
        file.create_group(name)
    expect_bad(stored, f"trajectories.h5:{name}: found an unexpected group or dataset")


@pytest.mark.parametrize(
    "goal", ["far", np.zeros(0), np.zeros(99), np.zeros((1, 1)), np.array([np.nan])]
)
def test_invalid_goals(stored: Path, goal: object) -> None:
    with h5py.File(stored, "r+") as file:
        write_attributes(file["task_2"], {"goal": goal})
    expect_bad(stored, "task_2: goal: ")
