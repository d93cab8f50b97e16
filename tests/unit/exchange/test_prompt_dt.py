"""Import of Prompt-DT pickles."""

import json

import numpy as np
import pytest

from support.exchange_data import ANT, VEL, episode, imported, pickled, refused
from trajprompt.trajectories.store import read_trajectories


def test_prompt_dt_pickles_become_a_store(tmp_path):
    medium = [episode(ANT, 200, 1), episode(ANT, 17, 2)]
    expert = [episode(ANT, 50, 3)]
    levels = [
        pickled(tmp_path / "ant_dir-3-medium.pkl", medium),
        pickled(tmp_path / "ant_dir-3-expert.pkl", expert),
    ]
    out = imported(tmp_path, "prompt-dt", ANT, {3: levels})
    found = read_trajectories(out, suite=ANT)[3]
    episodes = medium + expert
    for name in ("observations", "actions"):
        joined = np.concatenate([one[name] for one in episodes]).astype(np.float32)
        np.testing.assert_array_equal(getattr(found, name), joined)
    rewards = np.concatenate([one["rewards"][:, 0] for one in episodes])
    np.testing.assert_array_equal(found.rewards, rewards.astype(np.float32))
    finals = np.stack([one["next_observations"][-1] for one in episodes]).astype(np.float32)
    np.testing.assert_array_equal(found.final_observations, finals)
    assert found.episode_ends.tolist() == [200, 217, 267]
    assert found.behaviour_step.tolist() == [0, 200, 217]
    # The first one reaches the horizon: its last flag is a time limit, no termination.
    assert np.flatnonzero(found.terminations).tolist() == [216, 266]
    np.testing.assert_array_equal(found.goal, ANT.goals[3])
    assert json.loads(found.attributes["episodes_per_source"]) == [2, 1]


def test_lists_of_numbers_and_dones_are_read(tmp_path):
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
    # Without next_observations the last state is unknown: the one before replaces it.
    np.testing.assert_array_equal(found.final_observations[0], found.observations[-1])
    assert "observation again" in found.attributes["final_observations_are"]


def without(name: str) -> dict[str, object]:
    return {key: value for key, value in episode(VEL, 5).items() if key != name}


def bad(**changes: object) -> list[object]:
    """Contents of a file with one episode of 5 steps, with ``changes``."""
    return [{**episode(VEL, 5), **changes}]


WIDE = np.ones((5, 17))
BAD_EPISODES = {
    "no episodes": ([], "an empty list"),
    "a dict": ({"observations": 1}, "a dict; expected a list"),
    "an array": (np.ones(3), "a ndarray; expected a list"),
    "a list of arrays": ([np.ones(3)], "episode 0: found a ndarray; expected a dict"),
    "no rewards": ([without("rewards")], "no rewards; expected the keys"),
    "other states": (
        bad(observations=WIDE, next_observations=WIDE),
        r"\(5, 17\).*\(5, 20\)",
    ),
    "other actions": (bad(actions=np.ones((5, 8))), r"\(5, 8\)"),
    "short rewards": (bad(rewards=np.ones(4)), r"rewards: .*\(4,\)"),
    "short flags": (bad(terminals=np.zeros(4)), r"terminals: found .* shape \(4,\)"),
    "other nexts": (bad(next_observations=np.ones((4, 20))), "next_observations"),
    "too long": ([episode(VEL, 201)], "201 steps; expected 1 to 200 steps, the horizon"),
    "empty": ([episode(VEL, 0)], "0 steps"),
    "text": (bad(rewards="abc"), "rewards: found a str"),
    "none": (bad(rewards=[1, 2, None, 4, 5]), "rewards: found a NoneType"),
    "ragged": (bad(actions=[[1, 2], [3]]), "actions: "),
    "too deep": (bad(rewards=[[[[[1.0]]]]]), "rewards: found a list"),
    "nan": (bad(rewards=np.full(5, np.nan)), "5 values that are not finite"),
    "huge": (bad(rewards=np.full(5, 1e300)), "5 values that are not finite"),
    "large actions": (bad(actions=np.full((5, 6), 1.5)), "magnitude 1.5; expected"),
    "early end": (bad(terminals=np.ones(5)), "step 1 of 5 is flagged"),
    "odd flags": (bad(terminals=np.full(5, 7)), "terminals: found 7 at step 1"),
    "nan flag": (bad(terminals=[0, 0, 0, 0, np.nan]), "terminals: found nan at step 5"),
}


@pytest.mark.parametrize("name", BAD_EPISODES)
def test_errors_name_invalid_episodes(tmp_path, name):
    episodes, match = BAD_EPISODES[name]
    refused(tmp_path, "prompt-dt", VEL, pickled(tmp_path / "bad.pkl", episodes), match)


def test_one_array_cannot_be_used_a_thousand_times(tmp_path):
    shared = episode(VEL, 200)
    path = pickled(tmp_path / "shared.pkl", [dict(shared) for _ in range(1000)])
    refused(tmp_path, "prompt-dt", VEL, path, "more data than the file holds")
