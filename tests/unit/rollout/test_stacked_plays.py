"""Plays of several backbones together: as each alone, and independent of the others."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from support.played_backbones import make_backbone, make_prompts
from trajprompt.rollout import stacked_plays
from trajprompt.rollout.plays import Play, PlaySettings, evaluation_seeds, play
from trajprompt.rollout.stacked_plays import Part, play_stack
from trajprompt.tasks.registry import get_suite

# Short: over a complete episode, rounding of the actions grows to different returns.
SUITE = dataclasses.replace(get_suite("cheetah-vel"), horizon=20)
SETTINGS = PlaySettings(SUITE, 0.0, "fp32", "torch", 1)


def part(seed: int, counts: tuple[int, ...] = (2, 1)) -> Part:
    prompts = make_prompts(seed, len(counts))
    plays = [Play(7, prompts.select(i), count) for i, count in enumerate(counts)]
    seeds = {7: evaluation_seeds(0, SUITE.name, seed, 7, 4)}
    return Part(make_backbone(seed), plays, seeds)


def results(parts: list[Part]) -> list[list[float]]:
    play_stack(SETTINGS, parts)
    return [[value for one in each.plays for value in one.returns] for each in parts]


def test_parts_play_as_alone_and_as_unstacked():
    together = results([part(0), part(1, (1, 3)), part(2)])
    for seed, counts in ((0, (2, 1)), (1, (1, 3)), (2, (2, 1))):
        assert results([part(seed, counts)]) == [together[seed]]
        one = part(seed, counts)
        play(SETTINGS, one.backbone, one.plays, one.seeds)
        expected = [value for each in one.plays for value in each.returns]
        np.testing.assert_allclose(together[seed], expected, rtol=1e-4)


@pytest.mark.parametrize("largest", [1, 3, 5])
def test_the_packing_into_rollouts_changes_nothing(monkeypatch, largest):
    expected = results([part(0), part(1)])
    monkeypatch.setattr(stacked_plays, "LARGEST_STACK", largest)
    assert results([part(0), part(1)]) == expected


def test_other_jobs_do_not_import_the_stacked_models():
    names = "{name for name in sys.modules if 'trajprompt.models.stacked' in name}"
    code = f"import sys, trajprompt.tuning.oracle; print({names})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr
