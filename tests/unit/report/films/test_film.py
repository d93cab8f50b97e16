"""Videos: selection of suites and entries, files, frames and encoding."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from support.configuration import FILE, with_keys
from support.paths import ROOT
from trajprompt.artifacts.video import encodable, write_video
from trajprompt.config import cells as table_cells
from trajprompt.config import derive
from trajprompt.config.load import load_config
from trajprompt.errors import TrajpromptError
from trajprompt.report.films import film as videos
from trajprompt.report.films.panels import LABEL, TITLE, Panels
from trajprompt.settings.stages import VideoSettings, from_mapping, to_json
from trajprompt.tasks.registry import get_suite

DEFAULT = load_config([FILE, ROOT / "presets/evening.yaml"])
SMOKE = load_config([FILE, ROOT / "presets/smoke.yaml"])
COLUMNS = tuple(
    {"id": name, "label": name.upper(), "condition": "expert", "method": name}
    for name in ("none", "ptdt-offline")
)


def settings():
    """Settings as passed by the workflow: JSON with sorted keys."""
    suites, tasks = ("reach", "cheetah-vel"), {"reach": 6, "cheetah-vel": 2}
    made = VideoSettings(
        "r", 7, "mine", "Mine", 0, suites, tasks, COLUMNS, "fp32", "torch", "cpu"
    )
    return from_mapping(VideoSettings, json.loads(to_json(made)), "test")


def test_a_video_adds_no_cell_and_shows_only_complete_suites():
    without = {**DEFAULT, "videos": None}
    assert table_cells.cells(DEFAULT) == table_cells.cells(without)
    assert table_cells.videos(without) == {}
    one_table = {**DEFAULT, "report": ["ptdt_table1"]}  # no prompt-diffuser
    assert "rollouts" not in table_cells.videos(one_table)
    mine = {"title": "", "entries": ["prompt-dt", "ptdt-online"], "suites": None}
    one_table["videos"] = {"mine": mine}
    suites = DEFAULT["tables"]["ptdt_table1"]["suites"]
    assert set(table_cells.videos(one_table)["mine"]) == set(suites)


def test_a_suite_that_cannot_be_rendered_has_no_film():
    suites = ["reach", "point-sparse"]
    made = {
        **DEFAULT,
        "suites": suites,
        "tables": {"t": {"suites": None, "entries": ["prompt-dt"]}},
    }
    made |= {
        "figures": {},
        "videos": {"mine": {"title": "", "suites": None, "entries": ["prompt-dt"]}},
    }
    assert table_cells.entries(made)["prompt-dt"] == tuple(suites)
    assert table_cells.videos(made) == {"mine": ("reach",)}


@pytest.mark.parametrize("made", [DEFAULT, SMOKE], ids=["laptop", "smoke"])
def test_every_run_has_a_video(made):
    suites = table_cells.videos(made)["rollouts"]
    played = derive.video(made, "rollouts")
    assert played.suites == suites and played.seed == made["seeds"][0]
    first = suites[0]
    test = made["tasks"][first]["test"]
    assert played.tasks[first] == (0 if test == "published" else test[0])


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"entries": ["magic"]}, r"videos.rollouts.entries.0: found magic"),
        ({"tasks": {"reach": 1}}, r"videos.rollouts.tasks.reach: found 1"),  # training
        ({"entries": []}, r"videos.rollouts.entries"),
        ({"suites": ["point-sparse"]}, r"videos.rollouts.suites.0: found point-sparse"),
    ],
)
def test_invalid_video_entries_are_rejected(change, where):
    with pytest.raises(TrajpromptError, match=where):
        with_keys({"videos.rollouts": change})


def test_every_film_gets_the_files_of_its_suite():
    backbones = [Path(f"b{i}") for i in range(4)]
    adaptations = [Path(f"a{i}") for i in range(4)]
    first, second = videos.scenes(settings(), backbones, adaptations)
    assert (first.suite.name, first.task) == ("reach", 6)
    assert first.backbones == backbones[:2] and second.adaptations == adaptations[2:]
    # Reach has short episodes and is slowed down; cheetah plays in real time.
    assert (first.steps_per_frame, second.steps_per_frame, second.speed) == (1, 2, 1.0)
    with pytest.raises(TrajpromptError, match="3 files; expected 4: 2 entries in 2 suites"):
        list(videos.scenes(settings(), backbones[:3], adaptations))


class ConstantPolicy:
    """A policy with a constant action that keeps its rewards."""

    def __init__(self, action):
        self.action, self.rewards = action, []

    def act(self, observations):
        assert len(observations) == 1
        return np.full((1, 2), self.action)

    def receive(self, rewards):
        self.rewards.append(float(rewards[0]))


def test_every_panel_has_a_separate_policy():
    policies = [ConstantPolicy(1), ConstantPolicy(2)]
    both = videos.SideBySide(policies)
    np.testing.assert_array_equal(both.act(np.zeros((2, 3))), [[1, 1], [2, 2]])
    both.receive(np.array([3.0, 4.0]))
    assert [policy.rewards for policy in policies] == [[3.0], [4.0]]


def test_a_frame_has_ordered_pictures_with_text_around_them():
    red, blue = np.zeros((2, 128, 128, 3), np.uint8)
    red[..., 0], blue[..., 2] = 255, 255
    pictures, below = np.stack([red, blue]), TITLE + 128
    panels = Panels("a task", ["left", "a label much too long for its panel"], 128)
    frame = panels.frame(pictures, np.array([0.0, -1.5]), 2.0)
    assert frame.shape == (below + LABEL, 256, 3)
    assert (frame.shape[0] % 16, frame.shape[1] % 16) == (0, 0)  # codecs need not rescale
    np.testing.assert_array_equal(frame[TITLE:below, :120], red[:, :120])
    np.testing.assert_array_equal(frame[TITLE:below, 136:], blue[:, 8:])
    assert (frame[:TITLE] < 128).any() and (frame[below:, :128] < 128).any()
    other = panels.frame(pictures, np.array([0.0, -7.5]), 2.0)
    changed = (frame != other).any(axis=2)  # only the return of the right picture
    assert changed[below:, 128:].any() and not changed[:below].any()
    assert not changed[:, :128].any()


def test_equal_frames_give_equal_films(tmp_path):
    frames = np.random.default_rng(0).integers(0, 255, (3, 32, 48, 3), np.uint8)
    first, second = (write_video(tmp_path / f"{n}.webm", list(frames), 10) for n in "ab")
    assert first.read_bytes() == second.read_bytes()


def test_without_ffmpeg_films_of_the_report_are_rejected(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    message = (
        r"mine.webm: found no ffmpeg .*imageio-ffmpeg; run `pip install .*videos: null"
    )
    with pytest.raises(TrajpromptError, match=message):
        write_video(tmp_path / "mine.webm", [], 10)
    with pytest.raises(TrajpromptError, match=message):
        videos.run(settings(), [], [], tmp_path)  # before any rollout
    assert encodable(tmp_path / "mine.webm") == tmp_path / "mine.gif"
    assert encodable(tmp_path / "mine.gif") == tmp_path / "mine.gif"
    assert not list(tmp_path.iterdir())


def test_goals_have_texts():
    assert get_suite("cheetah-vel").goal_text(7) == "run forwards at 0.6 m/s"
    assert get_suite("cheetah-dir").goal_text(1) == "run backwards"
    assert get_suite("ant-dir").goal_text(1) == "walk towards 24°"
