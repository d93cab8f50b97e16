"""Export to Minari and import, bit for bit; and invalid datasets."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from support.exchange_data import ANT, REACH, imported, refused, stored
from trajprompt import cli
from trajprompt.commands import export_data as exporting
from trajprompt.errors import TrajpromptError
from trajprompt.trajectories.store import COLUMNS, read_attributes, read_trajectories


def test_minari_round_trip_is_bit_for_bit(tmp_path):
    import minari

    before = stored(tmp_path / "before.h5", ANT, [4, 9], [200, 1, 33])
    exporting.run(before, None, tmp_path / "exported")
    folders = {n: tmp_path / f"exported/trajprompt/ant-dir/task{n}-v0" for n in (4, 9)}
    dataset = minari.MinariDataset(folders[4] / "data")
    last = [(e.terminations[-1], e.truncations[-1]) for e in dataset]
    assert last == [(True, False), (False, True), (True, False)]
    after = imported(tmp_path, "minari", ANT, {n: [folders[n]] for n in (4, 9)})
    old, new = read_trajectories(before), read_trajectories(after)
    for task in (4, 9):
        assert old[task].attributes == new[task].attributes
        np.testing.assert_array_equal(old[task].goal, new[task].goal)
        for name in COLUMNS:
            ours, theirs = getattr(old[task], name), getattr(new[task], name)
            assert ours.dtype == theirs.dtype and ours.tobytes() == theirs.tobytes(), name
    kept = json.loads((folders[4] / "data/metadata.json").read_text())["trajprompt"]
    assert kept["store"]["run"] == "theirs"
    inputs = json.loads(read_attributes(after)["inputs"])
    assert {Path(path).name for path in inputs} == {"main_data.hdf5", "metadata.json"}


def test_minari_finds_exported_datasets(tmp_path, monkeypatch):
    import minari

    store = stored(tmp_path / "store.h5", REACH, [6, 9], [82, 82])
    monkeypatch.chdir(tmp_path)
    arguments = ["--format", "minari", "--task", "6", "--out", "root"]
    assert cli.main(["export", store.name, *arguments]) == 0
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "root"))
    assert list(minari.list_local_datasets()) == ["trajprompt/reach/task6-v0"]
    dataset = minari.load_dataset("trajprompt/reach/task6-v0")
    assert (dataset.total_episodes, dataset.total_steps) == (2, 164)
    with pytest.raises(TrajpromptError, match="root: exists; expected a new folder"):
        exporting.run(store, [6], tmp_path / "root")
    with pytest.raises(TrajpromptError, match="also .7."):
        exporting.run(store, [7], tmp_path / "none")
    assert not (tmp_path / "none").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["root", "store.h5"]


@pytest.fixture
def dataset(tmp_path) -> Path:
    store = stored(tmp_path / "source.h5", REACH, [6], [82, 40])
    exporting.run(store, [6], tmp_path / "root")
    return tmp_path / "root/trajprompt/reach/task6-v0"


def edit(folder: Path, **changes: object) -> None:
    path = folder / "data/metadata.json"
    metadata = json.loads(path.read_text())
    metadata.update(changes)
    kept = {name: value for name, value in metadata.items() if value is not None}
    path.write_text(json.dumps(kept))


def spec(sentinel: Path) -> str:
    """Specification of an environment that would run a command when made."""
    entry = {"id": "Evil-v0", "entry_point": "os:system", "additional_wrappers": []}
    return json.dumps({**entry, "kwargs": {"command": f"touch {sentinel}"}})


@pytest.mark.parametrize("missing", ["observation_space", "action_space"])
def test_a_minari_dataset_cannot_make_an_environment(tmp_path, dataset, missing):
    sentinel = tmp_path / "sentinel"
    edit(dataset, **{missing: None, "env_spec": spec(sentinel)})
    refused(tmp_path, "minari", REACH, dataset, f"{missing}: missing")
    assert not sentinel.exists()


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"total_episodes": 10**12}, "total_episodes 1000000000000; expected 2"),
        ({"total_episodes": "2"}, "total_episodes 2"),
        ({"data_format": "arrow"}, "data_format: found arrow; expected hdf5"),
        ({"observation_space": '{"type": "Box", "shape": [9]}'}, r"\[\[9\], \[4\]\]"),
        (
            {"observation_space": '{"type": "Text"}'},
            "observation_space: missing or damaged",
        ),
        ({"action_space": "["}, "action_space: missing or damaged"),
        ({"trajprompt": {"suite": "ant-dir"}}, "suite: found ant-dir; expected reach"),
        ({"trajprompt": {"suite": "reach", "attributes": {"a": [1]}}}, "attributes"),
        ({"trajprompt": {"suite": "reach", "attributes": {"a\x00": 1}}}, "attributes"),
        ({"minari_version": "9.9.9"}, "Minari cannot read it"),
    ],
)
def test_errors_name_invalid_minari_metadata(tmp_path, dataset, changes, match):
    edit(dataset, **changes)
    refused(tmp_path, "minari", REACH, dataset, match)


def test_a_dataset_of_another_task_is_refused(tmp_path, dataset):
    with pytest.raises(
        TrajpromptError, match="task6-v0: found data of task 6; expected data of task 9"
    ):
        imported(tmp_path, "minari", REACH, {9: [dataset]})


def test_a_dataset_without_our_metadata_can_be_imported(tmp_path, dataset):
    edit(dataset, trajprompt=None)
    with h5py.File(dataset / "data/main_data.hdf5", "r+") as file:
        for episode in file.values():
            del episode.attrs["behaviour_step"]
    found = read_trajectories(imported(tmp_path, "minari", REACH, {9: [dataset]}))[9]
    assert found.behaviour_step.tolist() == [0, 82]
    assert found.attributes == {"algorithm": "minari data"}


def test_errors_name_invalid_minari_data(tmp_path, dataset):
    with h5py.File(dataset / "data/main_data.hdf5", "r+") as file:
        del file["episode_0/rewards"]
        file["episode_0/rewards"] = h5py.SoftLink("/episode_1/rewards")
    refused(tmp_path, "minari", REACH, dataset, "link")
    with h5py.File(dataset / "data/main_data.hdf5", "r+") as file:
        del file["episode_0/rewards"]
        file["episode_0/rewards"] = np.ones(80, "f4")
    refused(
        tmp_path, "minari", REACH, dataset, r"rewards: found type float32, shape \(80,\)"
    )
    (dataset / "data/main_data.hdf5").unlink()
    refused(tmp_path, "minari", REACH, dataset, "main_data.hdf5: no such file")
