"""Import of D4RL files."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from support.exchange_data import ANT, VEL, episode, imported, pickled, refused
from trajprompt.errors import TrajpromptError
from trajprompt.tasks.registry import get_suite
from trajprompt.trajectories.episodes import FINAL_OBSERVATIONS, REPEATED
from trajprompt.trajectories.store import read_trajectories


def flat(suite, lengths: list[int], timeouts: bool = True) -> dict[str, np.ndarray]:
    """Concatenated episodes in D4RL's format; the first one ends with a terminal."""
    episodes = [episode(suite, length, seed) for seed, length in enumerate(lengths)]
    columns = {
        name: np.concatenate([one[name] for one in episodes])
        for name in ("observations", "next_observations", "actions", "rewards")
    }
    columns["rewards"] = columns["rewards"][:, 0]
    ends = np.concatenate([one["terminals"] for one in episodes])
    columns["terminals"] = ends & (np.cumsum(ends) == 1)
    if timeouts:
        columns["timeouts"] = ends & ~columns["terminals"]
    return columns


def d4rl(path: Path, columns: dict[str, np.ndarray]) -> Path:
    with h5py.File(path, "w") as file:
        for name, values in columns.items():
            file.create_dataset(name, data=values, compression="gzip")
        file["metadata/algorithm"] = "SAC"
    return path


@pytest.mark.parametrize("timeouts", [True, False])
def test_d4rl_files_become_a_store(tmp_path, timeouts):
    columns = flat(ANT, [30, 200, 200], timeouts)
    unfinished = {name: np.concatenate([v, v[:5]]) for name, v in columns.items()}
    path = d4rl(tmp_path / "ant.hdf5", unfinished)
    found = read_trajectories(imported(tmp_path, "d4rl", ANT, {0: [path]}))[0]
    assert found.lengths.tolist() == [30, 200, 200]
    assert np.flatnonzero(found.terminations).tolist() == [29]
    np.testing.assert_array_equal(found.actions, columns["actions"].astype("f4"))
    finals = columns["next_observations"][found.episode_ends - 1]
    np.testing.assert_array_equal(found.final_observations, finals.astype("f4"))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"terminals": None}, "terminals: no such dataset"),
        ({"actions": np.ones((20, 8))}, r"actions.*\(20, 8\)"),
        ({"rewards": np.ones(21)}, "21 steps, like rewards"),
        ({"terminals": np.zeros(20), "timeouts": np.zeros(20)}, "20 steps without an end"),
        ({"rewards": np.array([b"x"] * 20)}, "type "),
        ({"rewards": np.float64(1)}, "rewards"),
        ({"terminals": np.zeros((20, 2))}, r"terminals: found .*shape \(20, 2\)"),
        ({"timeouts": np.zeros((20, 2))}, r"timeouts: found .*shape \(20, 2\)"),
        ({"terminals": np.array([0.0] * 19 + [np.nan])}, "terminals: found nan at step 20"),
        ({"timeouts": np.array([0.5] + [0.0] * 19)}, "timeouts: found 0.5 at step 1;"),
        (
            {"terminals": np.array([0] * 19 + [-1])},
            "found -1 at step 20; expected 20 flags",
        ),
        ({"next_observations": np.ones((20, 5))}, r"next_observations.*\(20, 5\)"),
    ],
)
def test_errors_name_invalid_d4rl_files(tmp_path, change, match):
    columns = {**flat(VEL, [20]), **change}
    path = tmp_path / "bad.hdf5"
    with h5py.File(path, "w") as file:
        for name, values in columns.items():
            if values is not None:
                file[name] = values
    refused(tmp_path, "d4rl", VEL, path, match)


def test_flags_may_be_a_column(tmp_path):
    columns = flat(ANT, [30, 200])
    for name in ("terminals", "timeouts"):
        columns[name] = columns[name][:, None].astype(float)
    path = d4rl(tmp_path / "ant.hdf5", columns)
    found = read_trajectories(imported(tmp_path, "d4rl", ANT, {0: [path]}))[0]
    assert found.lengths.tolist() == [30, 200]
    assert np.flatnonzero(found.terminations).tolist() == [29]


def test_links_and_excessive_sizes_in_d4rl_files_are_refused(tmp_path):
    inner = d4rl(tmp_path / "inner.hdf5", flat(VEL, [20]))
    columns = flat(VEL, [20])
    del columns["rewards"]
    paths = {
        name: d4rl(tmp_path / f"{name}.hdf5", columns)
        for name in ("link", "outside", "huge")
    }
    with h5py.File(paths["link"], "r+") as file:
        file["rewards"] = h5py.ExternalLink(str(inner), "rewards")
    with h5py.File(paths["outside"], "r+") as file:
        file.create_dataset("rewards", (20,), "f4", external=[(str(inner), 0, 80)])
    with h5py.File(paths["huge"], "r+") as file:
        file.create_dataset("rewards", (2**40,), "f4", chunks=(2**20,))
    refused(tmp_path, "d4rl", VEL, paths["link"], "a soft or external link")
    refused(tmp_path, "d4rl", VEL, paths["outside"], "data in another file")
    refused(tmp_path, "d4rl", VEL, paths["huge"], "bytes and stores 0;")
    refused(tmp_path, "d4rl", VEL, pickled(tmp_path / "x.hdf5", 1), "damaged or not HDF5")


D4RL_ANT = get_suite("ant-medium")


def forces(columns, value=0.0):
    """Observations with 84 columns of contact forces, as in D4RL's files."""
    wide = dict(columns)
    for name in ("observations", "next_observations"):
        empty = np.full((len(columns[name]), 84), value)
        wide[name] = np.concatenate([columns[name], empty], axis=1)
    return wide


def test_the_ants_contact_forces_are_left_out(tmp_path):
    columns = flat(D4RL_ANT, [30, 50])
    path = d4rl(tmp_path / "ant.hdf5", forces(columns))
    found = read_trajectories(imported(tmp_path, "d4rl", D4RL_ANT, {0: [path]}))[0]
    assert found.dimensions == (27, 8) and found.lengths.tolist() == [30, 50]
    np.testing.assert_array_equal(found.observations, columns["observations"].astype("f4"))


def test_contact_forces_that_are_not_0_are_refused(tmp_path):
    path = d4rl(tmp_path / "ant.hdf5", forces(flat(D4RL_ANT, [30]), 0.5))
    with pytest.raises(TrajpromptError, match="contact forces that are not 0"):
        imported(tmp_path, "d4rl", D4RL_ANT, {0: [path]})


def continuous(columns, last):
    """Make the next observation of step ``last`` the observation of the step after it."""
    columns["next_observations"][last] = columns["observations"][last + 1]


@pytest.mark.parametrize("following", [True, False])
def test_an_episode_without_its_timeout_ends_at_the_horizon(tmp_path, following):
    """D4RL's wiki: timeouts are not always marked in the level medium-replay."""
    columns = flat(D4RL_ANT, [30, 1000, 1000, 60])
    columns["timeouts"][1029] = False
    continuous(columns, 1029)  # so that nothing but the horizon ends the episode
    if not following:
        del columns["next_observations"]
    path = d4rl(tmp_path / "replay.hdf5", columns)
    found = read_trajectories(imported(tmp_path, "d4rl", D4RL_ANT, {0: [path]}))[0]
    assert found.lengths.tolist() == [30, 1000, 1000, 60]
    assert np.flatnonzero(found.terminations).tolist() == [29]


def test_an_early_timeout_ends_an_episode_and_is_counted(tmp_path, capsys):
    """Time-outs after 40 steps, as in medium-replay (Farama-Foundation/D4RL issue 162)."""
    columns = flat(D4RL_ANT, [30, 40, 1000, 40])
    paths = [d4rl(tmp_path / f"replay{n}.hdf5", columns) for n in (0, 1)]
    found = read_trajectories(imported(tmp_path, "d4rl", D4RL_ANT, {0: paths}))[0]
    assert found.lengths.tolist() == [30, 40, 1000, 40] * 2
    assert not found.terminations[[69, 1109]].any()
    assert found.attributes["episodes_cut_by_timeouts"] == 4
    assert found.attributes["episodes_cut_by_breaks"] == 0
    printed = capsys.readouterr().out
    assert f"task 0: 2 episodes cut by timeouts: {paths[1]}" in printed
    assert "breaks" not in printed


@pytest.mark.parametrize("suite", [D4RL_ANT, ANT])
def test_an_episode_ends_where_next_observations_do_not_continue(tmp_path, suite, capsys):
    """Two runs without a flag between them: no transition leads from one to the other."""
    columns = flat(suite, [30, 50, 60, suite.horizon])
    columns["timeouts"][79] = False
    path = d4rl(tmp_path / "broken.hdf5", columns)
    found = read_trajectories(imported(tmp_path, "d4rl", suite, {0: [path]}))[0]
    assert found.lengths.tolist() == [30, 50, 60, suite.horizon]
    assert np.flatnonzero(found.terminations).tolist() == [29]
    finals = columns["next_observations"][found.episode_ends - 1]
    np.testing.assert_array_equal(found.final_observations, finals.astype("f4"))
    assert found.attributes["episodes_cut_by_timeouts"] == 1
    assert found.attributes["episodes_cut_by_breaks"] == 1
    assert f"task 0: 1 episodes cut by breaks: {path}" in capsys.readouterr().out


def test_rounding_of_next_observations_is_no_break(tmp_path):
    columns = flat(VEL, [20])
    columns["next_observations"] = columns["next_observations"].astype("f4")
    columns["next_observations"][:-1] += 1e-6
    path = d4rl(tmp_path / "rounded.hdf5", columns)
    found = read_trajectories(imported(tmp_path, "d4rl", VEL, {6: [path]}))[6]
    assert found.lengths.tolist() == [20]


def test_final_observations_of_one_file_without_next_observations_are_recorded(tmp_path):
    """Also if the other file of the task has them."""
    columns = flat(VEL, [20, 200])
    paths = [d4rl(tmp_path / "complete.hdf5", columns)]
    del columns["next_observations"]
    paths.append(d4rl(tmp_path / "without.hdf5", columns))
    found = read_trajectories(imported(tmp_path, "d4rl", VEL, {6: paths}))[6]
    assert found.attributes[FINAL_OBSERVATIONS] == REPEATED


def test_a_longer_episode_of_another_suite_is_refused(tmp_path):
    columns = flat(ANT, [30, 200, 200])
    columns["timeouts"][229] = False
    continuous(columns, 229)
    path = d4rl(tmp_path / "long.hdf5", columns)
    with pytest.raises(TrajpromptError, match="found an episode of 400 steps"):
        imported(tmp_path, "d4rl", ANT, {0: [path]})
