"""Evaluation of an adaptation with fakes in place of simulator and policy."""

import csv
import dataclasses
import io
import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from support.fake_rollouts import (
    ROWS,
    SETTINGS,
    adaptation,
    backbone,
    played,
    prompts,
    select,
)
from trajprompt.artifacts.atomic import file_hash
from trajprompt.commands import evaluate as stage
from trajprompt.errors import TrajpromptError
from trajprompt.rollout import plays
from trajprompt.rollout.columns import EVALUATION_COLUMNS
from trajprompt.rollout.evaluation import evaluate_cell, evaluation_seeds, to_csv

__all__ = ["played"]  # a fixture


def test_one_entry_per_checkpoint_and_episode(played):
    entries = evaluate_cell(SETTINGS, backbone(), adaptation())
    assert len(entries) == ROWS * (4 + 4 + 3 * 4)
    for task, prompt, row in ((2, 0, 0), (2, 1, 1), (7, 0, 2)):
        of_row = select(entries, task=task, prompt=prompt)
        assert [e["episode"] for e in select(of_row, checkpoint="last")] == [0, 1, 2, 3]
        assert {int(e["return"]) for e in select(of_row, checkpoint="last")} == {20 + row}
        assert {int(e["return"]) for e in select(of_row, checkpoint="best")} == {10 + row}
        assert {e["queries"] for e in select(of_row, checkpoint="best")} == {17}
        curve = select(of_row, checkpoint="curve")
        assert [e["iteration"] for e in curve] == [0] * 4 + [1] * 4 + [2] * 4


def test_equal_prompts_are_played_once(played):
    evaluate_cell(SETTINGS, backbone(), adaptation())
    # last = curve 2, best = curve 1 and initial = curve 0, with four episodes each
    assert sum(len(call.seeds) for call in played) == ROWS * (4 + 4 + 4)
    assert len(played) == 1
    played.clear()
    same = adaptation(best=prompts(20.0), best_iteration=np.full(ROWS, 2), curve={})
    entries = evaluate_cell(SETTINGS, backbone(), same)
    assert sum(len(call.seeds) for call in played) == ROWS * 4
    last, best = (select(entries, checkpoint=name) for name in ("last", "best"))
    assert [e["return"] for e in last] == [e["return"] for e in best]


def returns_of(entries, **values):
    return [e["return"] for e in select(entries, **values)]


def _with_curve_of_four():
    """An adaptation of three iterations; the best is the first."""
    points = {0: prompts(0.0), 1: prompts(10.0), 2: prompts(15.0), 3: prompts(20.0)}
    stored = adaptation(curve=points)
    for name in ("task", "prompt", "queries"):
        last = stored.history[name][-ROWS:]
        stored.history[name] = np.concatenate([stored.history[name], last])
    stored.history["iteration"] = np.repeat([0, 1, 3, 2], ROWS)
    return stored


def test_a_curve_equals_the_tables_where_it_shows_the_same_prompt(played):
    stored = _with_curve_of_four()
    entries = evaluate_cell(SETTINGS, backbone(), stored)
    row = {"task": 2, "prompt": 0}
    for iteration, checkpoint in ((1, "best"), (3, "last")):
        shown = returns_of(entries, checkpoint="curve", iteration=iteration, **row)
        assert shown == returns_of(entries, checkpoint=checkpoint, **row)
        assert len(shown) == SETTINGS.episodes
    between = returns_of(entries, checkpoint="curve", iteration=2, **row)
    last = returns_of(entries, checkpoint="last", **row)
    assert len(between) == SETTINGS.curve_episodes
    np.testing.assert_allclose(between, np.array(last[:2]) - 5)  # of the same resets


@pytest.mark.parametrize(("start", "shown"), [(0.0, {0, 1, 2, 3}), (2 / 3, {2, 3})])
def test_a_curve_may_be_played_from_a_share_of_its_iterations(played, start, shown):
    stored = _with_curve_of_four()
    settings = dataclasses.replace(SETTINGS, curve_start=start)
    entries = evaluate_cell(settings, backbone(), stored)
    found = {one["iteration"] for one in entries if one["checkpoint"] == "curve"}
    assert found == shown


def test_a_curve_begins_with_the_returns_of_the_untuned_cell(played):
    tuned = evaluate_cell(SETTINGS, backbone(), adaptation())
    same = {"last": prompts(0.0), "best": prompts(0.0), "curve": {}}
    untuned = evaluate_cell(SETTINGS, backbone(), adaptation(**same))
    for task, prompt in ((2, 0), (2, 1), (7, 0)):
        row = {"task": task, "prompt": prompt}
        start = returns_of(tuned, checkpoint="curve", iteration=0, **row)
        assert start == returns_of(untuned, checkpoint="last", **row)


@pytest.mark.parametrize("engine", ["openvino", "torch"])
def test_an_episode_does_not_depend_on_what_is_played_with_it(engine):
    """So a curve begins with the bits of the untuned cell, which plays fewer episodes."""
    from dataclasses import replace

    from support.played_backbones import make_backbone, make_prompts
    from trajprompt.tasks.registry import get_suite

    suite = replace(get_suite("cheetah-vel"), horizon=50)
    settings = plays.PlaySettings(suite, 0.0, "fp32", engine, 1)
    seeds = {task: evaluation_seeds(0, suite.name, 0, task, 9) for task in (2, 7)}
    shown = make_prompts(0, 4)

    def returns(counts: list[int], tasks: list[int]) -> list[list[float]]:
        made = [
            plays.Play(task, shown.select(row), count)
            for row, (task, count) in enumerate(zip(tasks, counts, strict=True))
        ]
        plays.play(settings, make_backbone(0), made, seeds)
        return [one.returns for one in made]

    alone = returns([9], [7])[0]
    assert returns([9, 5, 9, 9], [7, 2, 7, 2])[0] == alone
    assert returns([2, 9], [7, 2])[0] == alone[:2]
    assert len(set(alone)) == 9


def varied_cell(monkeypatch, **changes):
    """Entries of a cell on reach; 500 is added to returns from varied starts."""
    from dataclasses import replace

    def simulator(suite, tasks, threads):
        return 500.0 if suite.varied_starts else 0.0

    original = plays.rollout
    monkeypatch.setattr(plays, "make_simulator", simulator)
    monkeypatch.setattr(plays, "rollout", lambda s, p, seeds: original(s, p + s, seeds))
    stored = adaptation(rows=np.array([6, 6, 9]), **changes)
    stored.history["task"] = np.tile([6, 6, 9], 3)
    settings = replace(SETTINGS, suite="reach", varied_starts=True)
    return evaluate_cell(settings, backbone(), stored)


def test_varied_starts_are_a_checkpoint_of_their_own(played, monkeypatch):
    entries = varied_cell(monkeypatch)
    assert len(select(entries, checkpoint="last")) == ROWS  # equal resets: one episode
    varied = select(entries, checkpoint="varied", task=6, prompt=0)
    assert [e["episode"] for e in varied] == [0, 1, 2, 3]
    assert {int(e["return"]) for e in varied} == {520}
    assert {e["iteration"] for e in varied} == {2}


def test_tuned_and_untuned_prompts_meet_equal_varied_starts(played, monkeypatch):
    tuned = varied_cell(monkeypatch)
    same = {"last": prompts(0.0), "best": prompts(0.0), "curve": {}}
    untuned = varied_cell(monkeypatch, **same)
    starts = [
        [value % 1 for value in returns_of(found, checkpoint="varied", task=9)]
        for found in (tuned, untuned)
    ]
    np.testing.assert_allclose(*starts)
    assert len(set(np.round(starts[0], 6))) == SETTINGS.episodes


def test_suites_with_other_resets_have_no_varied_starts(played):
    from dataclasses import replace

    settings = replace(SETTINGS, varied_starts=True)
    entries = evaluate_cell(settings, backbone(), adaptation())
    assert not select(entries, checkpoint="varied")


def test_resets_are_paired_distinct_and_even(played):
    entries = evaluate_cell(SETTINGS, backbone(), adaptation())
    noise = [e["return"] % 1 for e in select(entries, checkpoint="last", task=2, prompt=0)]
    other = [e["return"] % 1 for e in select(entries, checkpoint="curve", task=2, prompt=1)]
    np.testing.assert_allclose(noise[:2], other[:2])
    seeds = evaluation_seeds(0, "cheetah-vel", 1, 2, 4)
    np.testing.assert_allclose(noise, seeds / 2**31)
    assert (seeds % 2 == 0).all() and len(set(seeds)) == 4
    longer = evaluation_seeds(0, "cheetah-vel", 1, 2, 50)
    assert (longer[:4] == seeds).all(), "more episodes keep the first ones"
    assert (evaluation_seeds(0, "cheetah-vel", 2, 2, 4) != seeds).all()


def test_large_jobs_are_split(played, monkeypatch):
    unsplit = evaluate_cell(SETTINGS, backbone(), adaptation())
    played.clear()
    monkeypatch.setattr(plays, "LARGEST_BATCH", 7)
    assert evaluate_cell(SETTINGS, backbone(), adaptation()) == unsplit
    assert [len(call.seeds) for call in played] == [7, 7, 7, 7, 7, 1]


def test_tuned_weights_are_used_by_their_row(played):
    stored = adaptation(weights={0: 1, 1: 2, 2: 3}, best=prompts(20.0), curve={})
    entries = evaluate_cell(SETTINGS, backbone(), stored)
    for row, (task, prompt) in enumerate([(2, 0), (2, 1), (7, 0)]):
        of_row = select(entries, task=task, prompt=prompt)
        assert {e["return"] // 1000 for e in of_row} == {row + 1}


def test_backbones_without_prompt(played):
    stored = adaptation(initial=None, last=None, best=None, curve={})
    entries = evaluate_cell(SETTINGS, backbone(), stored)
    assert len(entries) == ROWS * 8 and all(e["return"] < 1 for e in entries)


def test_one_episode_if_resets_are_deterministic(played):
    from dataclasses import replace

    stored = adaptation(rows=np.array([6, 6, 9]))
    stored.history["task"] = np.tile([6, 6, 9], 3)
    entries = evaluate_cell(replace(SETTINGS, suite="reach"), backbone(), stored)
    assert len(entries) == ROWS * (1 + 1 + 3)


def test_csv_keeps_every_bit(played):
    entries = evaluate_cell(SETTINGS, backbone(), adaptation())
    table = list(csv.DictReader(io.StringIO(to_csv(entries))))
    assert tuple(table[0]) == tuple(EVALUATION_COLUMNS)
    assert [float(row["return"]) for row in table] == [e["return"] for e in entries]


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Files of a backbone and an adaptation made from it, and its mutable attributes."""
    backbone_file = tmp_path / "backbone.safetensors"
    backbone_file.write_bytes(b"weights")
    (tmp_path / "tuned.h5").write_bytes(b"prompts")
    made_from = {"data.h5": "0" * 16, "elsewhere/b": file_hash(backbone_file)}
    attributes = {
        "suite": SETTINGS.suite,
        "condition": SETTINGS.condition,
        "method": SETTINGS.method,
        "seed": np.int64(SETTINGS.seed),
        "backbone": "prompt-dt",
        "inputs": json.dumps(made_from),
    }
    stored = adaptation(attributes=attributes)
    sizes = SimpleNamespace(uses_prompt=True, state_dim=20, action_dim=6)
    loaded = SimpleNamespace(
        name="prompt-dt", suite=SETTINGS.suite, config=sizes, device=torch.device("cpu")
    )
    monkeypatch.setattr("trajprompt.adaptations.read.read_adaptation", lambda _: stored)
    monkeypatch.setattr("trajprompt.models.backbone.load_backbone", lambda *_: loaded)
    monkeypatch.setattr("trajprompt.rollout.evaluation.evaluate_cell", lambda *_: [])
    return SimpleNamespace(
        paths=(backbone_file, tmp_path / "tuned.h5", tmp_path / "episodes.csv"),
        attributes=attributes,
    )


def test_stage_accepts_matching_files(files):
    stage.run(SETTINGS, *files.paths)
    assert files.paths[2].read_text().startswith("suite,condition")


@pytest.mark.parametrize(
    ("name", "value"),
    [("seed", 2), ("suite", "ant-dir"), ("condition", "few"), ("method", "none")],
)
def test_an_adaptation_of_another_cell_is_rejected(files, name, value):
    files.attributes[name] = value
    with pytest.raises(
        TrajpromptError, match=f"tuned.h5: found {name} {value}; expected {name}"
    ):
        stage.run(SETTINGS, *files.paths)


def test_an_adaptation_of_another_backbone_file_is_rejected(files):
    files.paths[0].write_bytes(b"other weights")
    words = (
        r"tuned.h5: found an adaptation made from .*elsewhere/b.*; expected one made from"
        r" .*backbone.safetensors"
    )
    with pytest.raises(TrajpromptError, match=words):
        stage.run(SETTINGS, *files.paths)
    assert not files.paths[2].exists()


def test_a_stack_plays_equal_and_varied_starts_apart(monkeypatch):
    from dataclasses import replace

    from trajprompt.rollout import evaluation

    rollouts = []

    def play_stack(how, parts):
        rollouts.append((how.suite.varied_starts, len(parts)))
        for one in (one for part in parts for one in part.plays):
            assert one.varied == how.suite.varied_starts
            one.returns += [float(one.varied)] * one.episodes
            one.lengths += [82] * one.episodes
            one.successes += [False] * one.episodes

    monkeypatch.setattr(evaluation, "play_stack", play_stack)
    stored = adaptation(rows=np.array([6, 6, 9]))
    stored.history["task"] = np.tile([6, 6, 9], 3)
    cells = [
        (
            replace(SETTINGS, suite="reach", varied_starts=True, seed=seed),
            backbone(),
            stored,
        )
        for seed in (0, 1)
    ]
    for entries in evaluation.evaluate_stack(cells):
        assert len(select(entries, checkpoint="varied")) == ROWS * SETTINGS.episodes
        assert {e["return"] for e in select(entries, checkpoint="varied")} == {1.0}
        assert {e["return"] for e in select(entries, checkpoint="last")} == {0.0}
    assert rollouts == [(False, 2), (True, 2)]
