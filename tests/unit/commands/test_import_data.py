"""``trajprompt import``: the provenance of a store, and wrong arguments."""

import json

import pytest

from support.exchange_data import VEL, episode, imported, pickled
from trajprompt import cli
from trajprompt.artifacts.atomic import file_hash
from trajprompt.trajectories.store import read_attributes


def test_an_imported_store_has_its_provenance(tmp_path):
    path = pickled(tmp_path / "a.pkl", [episode(VEL, 200)])
    attributes = read_attributes(imported(tmp_path, "prompt-dt", VEL, {0: [path]}))
    assert attributes["stage"] == "import"
    assert json.loads(attributes["inputs"]) == {str(path): file_hash(path)}
    assert json.loads(attributes["settings"])["tasks"] == {"0": [str(path)]}


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (["--task", "0"], "--task: found 0; expected a task's index and its files"),
        (["--task", "x", "a.pkl"], "--task: found x a.pkl"),
        (["--task", "0", "a.pkl", "--task", "0", "b.pkl"], "each task once"),
        (["--task", "40", "a.pkl"], "--task: found 40; expected 0 to 39"),
        (["--task", "3", "a.pkl"], "a.pkl: no such file"),
    ],
)
def test_wrong_arguments_are_named(tmp_path, capsys, arguments, match):
    common = ["import", "--format", "prompt-dt", "--suite", "cheetah-vel", "--out"]
    assert cli.main([*common, str(tmp_path / "o.h5"), *arguments]) == 2
    assert match in capsys.readouterr().err
    assert not (tmp_path / "o.h5").exists()
