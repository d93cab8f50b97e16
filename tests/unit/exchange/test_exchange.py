"""Prompt-DT pickles and D4RL files as trajectory stores."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from support.exchange_data import ANT, VEL, episode, imported, pickled, refused
from trajprompt import cli
from trajprompt.artifacts.atomic import file_hash
from trajprompt.trajectories.store import read_attributes, read_trajectories


def test_prompt_dt_pickles_become_a_store(tmp_path):
    medium = [episode(ANT, 200, 1), episode(ANT, 17, 2)]
    expert = [episode(ANT, 50, 3)]
    levels = [
        pickled(tmp_path / "ant_dir-3-medium.pkl", medium),
        pickled(tmp_path / "ant_dir-3-expert.pkl", expert),
    ]
    out = imported(tmp_path, "prompt-dt", ANT, {3: levels})
    found = read_trajectories(out, suite=ANT)[3]
    whole = medium + expert
    for name in ("observations", "actions"):
        joined = np.concatenate([one[name] for one in whole]).astype(np.float32)
        np.testing.assert_array_equal(getattr(found, name), joined)
    rewards = np.concatenate([one["rewards"][:, 0] for one in whole])
    np.testing.assert_array_equal(found.rewards, rewards.astype(np.float32))
    finals = np.stack([one["next_observations"][-1] for one in whole]).astype(np.float32)
    np.testing.assert_array_equal(found.final_observations, finals)
    assert found.episode_ends.tolist() == [200, 217, 267]
    assert found.behaviour_step.tolist() == [0, 200, 217]
    # The first one lived to the horizon: its last flag is the time's, not the ant's.
    assert np.flatnonzero(found.terminations).tolist() == [216, 266]
    np.testing.assert_array_equal(found.goal, ANT.goals[3])
    assert json.loads(found.attributes["episodes_per_source"]) == [2, 1]


def test_an_imported_store_says_where_it_came_from(tmp_path):
    path = pickled(tmp_path / "a.pkl", [episode(VEL, 200)])
    attributes = read_attributes(imported(tmp_path, "prompt-dt", VEL, {0: [path]}))
    assert attributes["stage"] == "import"
    assert json.loads(attributes["inputs"]) == {str(path): file_hash(path)}
    assert json.loads(attributes["settings"])["tasks"] == {"0": [str(path)]}


def test_lists_of_numbers_and_dones_do(tmp_path):
    one = episode(VEL, 4)
    lists = {
        "observations": [list(row) for row in one["observations"]],
        "actions": one["actions"].tolist(),
        "rewards": [np.float32(r) for r in one["rewards"][:, 0]],
        "dones": [0, 0, 0, 1],
        "infos": [{"anything": "at all"}],
    }
    path = pickled(tmp_path / "lists.pkl", [lists])
    found = read_trajectories(imported(tmp_path, "prompt-dt", VEL, {0: [path]}))[0]
    np.testing.assert_array_equal(found.observations, one["observations"].astype("f4"))
    assert found.terminations.tolist() == [False, False, False, True]
    # Without next_observations the last state is unknown: the one before stands for it.
    np.testing.assert_array_equal(found.final_observations[0], found.observations[-1])
    assert "observation again" in found.attributes["final_observations_are"]


def without(name: str) -> dict[str, object]:
    return {key: value for key, value in episode(VEL, 5).items() if key != name}


def bad(**changes: object) -> list[object]:
    """A file of one episode of 5 steps with something else in some of its places."""
    return [{**episode(VEL, 5), **changes}]


WIDE = np.ones((5, 17))
BAD_EPISODES = {
    "no episodes": ([], "an empty list"),
    "a dict": ({"observations": 1}, "a dict; expected a list"),
    "an array": (np.ones(3), "a ndarray; expected a list"),
    "a list of arrays": ([np.ones(3)], "episode 0: a ndarray; expected a dict"),
    "no rewards": ([without("rewards")], "no rewards; expected the keys"),
    "other states": (
        bad(observations=WIDE, next_observations=WIDE),
        r"\(5, 17\).*\(5, 20\)",
    ),
    "other actions": (bad(actions=np.ones((5, 8))), r"\(5, 8\)"),
    "short rewards": (bad(rewards=np.ones(4)), r"rewards: .*\(4,\)"),
    "short flags": (bad(terminals=np.zeros(4)), "terminations: "),
    "other nexts": (bad(next_observations=np.ones((4, 20))), "next_observations"),
    "too long": ([episode(VEL, 201)], "201 steps; expected 1 to 200, the horizon"),
    "empty": ([episode(VEL, 0)], "0 steps"),
    "text": (bad(rewards="abc"), "rewards: a str"),
    "none": (bad(rewards=[1, 2, None, 4, 5]), "rewards: a NoneType"),
    "ragged": (bad(actions=[[1, 2], [3]]), "actions: "),
    "too deep": (bad(rewards=[[[[[1.0]]]]]), "rewards: a list"),
    "nan": (bad(rewards=np.full(5, np.nan)), "5 values not finite"),
    "huge": (bad(rewards=np.full(5, 1e300)), "5 values not finite"),
    "large actions": (bad(actions=np.full((5, 6), 1.5)), "1.5; expected"),
    "early end": (bad(terminals=np.ones(5)), "step 1 of 5 is flagged"),
    "odd flags": (bad(terminals=np.full(5, 7)), "step 1 of 5 is flagged"),
}


@pytest.mark.parametrize("name", BAD_EPISODES)
def test_bad_pickles_are_named(tmp_path, name):
    episodes, match = BAD_EPISODES[name]
    refused(tmp_path, "prompt-dt", VEL, pickled(tmp_path / "bad.pkl", episodes), match)


def test_one_array_may_not_stand_for_a_thousand(tmp_path):
    shared = episode(VEL, 200)
    path = pickled(tmp_path / "shared.pkl", [dict(shared) for _ in range(1000)])
    refused(tmp_path, "prompt-dt", VEL, path, "more data than the file holds")


def flat(suite, lengths: list[int], timeouts: bool = True) -> dict[str, np.ndarray]:
    """Episodes end to end, as D4RL has them; the first ends by a terminal."""
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
        ({"rewards": np.ones(21)}, "21 steps, as rewards"),
        ({"terminals": np.zeros(20), "timeouts": np.zeros(20)}, "20 steps without an end"),
        ({"rewards": np.array([b"x"] * 20)}, "type "),
        ({"rewards": np.float64(1)}, "rewards"),
    ],
)
def test_bad_d4rl_files_are_named(tmp_path, change, match):
    columns = {**flat(VEL, [20]), **change}
    path = tmp_path / "bad.hdf5"
    with h5py.File(path, "w") as file:
        for name, values in columns.items():
            if values is not None:
                file[name] = values
    refused(tmp_path, "d4rl", VEL, path, match)


def test_d4rl_files_may_not_lead_elsewhere_or_claim_memory(tmp_path):
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
    refused(tmp_path, "d4rl", VEL, paths["outside"], "data of other files")
    refused(tmp_path, "d4rl", VEL, paths["huge"], "bytes claimed, 0 stored")
    refused(tmp_path, "d4rl", VEL, pickled(tmp_path / "x.hdf5", 1), "damaged or not HDF5")


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (["--task", "0"], "--task: 0; expected a task's index and its files"),
        (["--task", "x", "a.pkl"], "--task: x a.pkl"),
        (["--task", "0", "a.pkl", "--task", "0", "b.pkl"], "each task once"),
        (["--task", "40", "a.pkl"], "--task: 40; expected 0 to 39"),
        (["--task", "3", "a.pkl"], "a.pkl: no such file"),
    ],
)
def test_bad_arguments_are_named(tmp_path, capsys, arguments, match):
    common = ["import", "--format", "prompt-dt", "--suite", "cheetah-vel", "--out"]
    assert cli.main([*common, str(tmp_path / "o.h5"), *arguments]) == 2
    assert match in capsys.readouterr().err
    assert not (tmp_path / "o.h5").exists()
