"""Variants of backbones and forms of prompts, from the configuration to the jobs."""

import dataclasses

import pytest
import yaml

from support.configuration import FILE, fault_key, fault_of, with_keys
from support.paths import ROOT
from trajprompt.config import backbones as pretraining_values
from trajprompt.config import cells as table_cells
from trajprompt.config import derive
from trajprompt.config.json_schema import run_schema
from trajprompt.config.load import load_config
from trajprompt.errors import TrajpromptError
from trajprompt.trajectories.prompt_places import POSITIONS
from trajprompt.verification.jobs import jobs_of

DEFAULT = load_config([FILE, ROOT / "presets/evening.yaml"])
OVERLAY = """
backbones:
  pairs:
    { kind: prompt-dt, prompt_segments: 2, prompt_length: 20, prompt_position: uniform,
      suites: { reach: { prompt_length: 4, steps: 170 } } }
conditions:
  pairs: { backbone: pairs, prompt_quality: expert, data_quality: expert, samples: 256 }
  short: { backbone: pairs, prompt_quality: expert, data_quality: expert, samples: 256,
           prompt_length: 3, prompt_position: end, prompts_per_task: 4 }
entries:
  pairs: { label: pairs, condition: pairs, method: ptdt-offline }
  short: { label: short, condition: short, method: none }
tables:
  mine: { title: mine, suites: [cheetah-vel], entries: [prompt-dt, pairs, short] }
"""
FORM = pretraining_values.PROMPT


@pytest.fixture(scope="module")
def config():
    return changed({})


def changed(keys):
    """Configuration with the overlay, and dotted ``keys`` set above it."""
    return with_keys(keys, yaml.safe_load(OVERLAY))


def form(settings) -> tuple:
    return dataclasses.astuple(settings.prompt)


def test_names_of_positions_equal_those_of_the_code():
    """They are repeated so that the workflow need not import torch."""
    known = run_schema()["$defs"]["Pretrain"]["properties"]["prompt_position"]["enum"]
    assert list(POSITIONS) == known


def test_a_variant_is_pretrained_with_its_prompts(config):
    variant = derive.pretrain(config, "cheetah-vel", "pairs", 0)
    assert (variant.backbone, variant.kind) == ("pairs", "prompt-dt")
    assert form(variant) == (2, 20, "uniform")
    plain = derive.pretrain(config, "cheetah-vel", "prompt-dt", 0)
    assert form(plain) == (1, 5, "end") and plain.kind == plain.backbone == "prompt-dt"
    differ = {"backbone", "prompt"}
    for field in dataclasses.fields(variant):
        if field.name not in differ:
            assert getattr(variant, field.name) == getattr(plain, field.name), field.name


def test_a_variant_may_differ_by_suite(config):
    variant = derive.pretrain(config, "reach", "pairs", 0)
    assert form(variant) == (2, 4, "uniform") and variant.training.steps == 170
    assert form(derive.tune(config, "reach", "pairs", "none", 0)) == (2, 4, "uniform")
    key = pretraining_values.key_of(config, "reach", "prompt_length", "pairs")
    assert key == "backbones.pairs.suites.reach.prompt_length"


def test_values_of_a_suite_apply_to_variants_too():
    suite = {"steps": 900, "prompt_length": 7}
    longer = changed({"pretrain.suites.cheetah-vel": suite})
    variant = derive.pretrain(longer, "cheetah-vel", "pairs", 0)
    assert (variant.training.steps, variant.prompt.length) == (900, 20)
    assert derive.pretrain(longer, "cheetah-vel", "mt-orl", 0).prompt.length == 7


def test_a_cell_has_the_prompts_of_its_condition_else_of_its_backbone(config):
    tuned = derive.tune(config, "cheetah-vel", "pairs", "ptdt-offline", 0)
    assert form(tuned) == (2, 20, "uniform")
    assert tuned.prompts_per_task == 1
    short = derive.tune(config, "cheetah-vel", "short", "none", 0)
    assert form(short) == (2, 3, "end") and short.prompts_per_task == 4


def test_a_cell_has_the_demonstrations_of_its_backbone():
    """Prompts, arms and samples come from the demonstrations of the pretraining."""
    fewer = changed({"backbones.pairs": {"demonstrations": 3, "data_fraction": 0.5}})
    for condition in ("pairs", "short"):
        tuned = derive.tune(fewer, "cheetah-vel", condition, "ptdt-offline", 0)
        assert (tuned.demonstrations, tuned.data_fraction) == (3, 0.5)
    plain = derive.tune(fewer, "cheetah-vel", "expert", "ptdt-offline", 0)
    assert (plain.demonstrations, plain.data_fraction) == (5, 1.0)


@pytest.mark.parametrize("preset", ["laptop", "smoke", "paper"])
def test_prompts_of_the_prompt_tuning_papers_are_one_segment_near_the_end(preset):
    run = load_config([FILE, ROOT / f"presets/{preset}.yaml"])
    shown = [*run["tables"], *run["figures"]]
    papers = [table_cells.shown(run, name)["paper"] for name in shown]
    pairs = zip(shown, papers, strict=True)
    names = [name for name, paper in pairs if paper in ("ptdt", "prompt_diffuser")]
    for cell in table_cells.cells(run, names):
        tuned = derive.tune(run, *cell, 0)
        length = run["conditions"][cell[1]]["prompt_length"] or 5
        assert form(tuned) == (1, length, "end") and tuned.prompts_per_task == 1
    for backbone in pretraining_values.TRANSFORMERS:
        trained = derive.pretrain(run, "cheetah-vel", backbone, 0)
        assert form(trained) == (1, 5, "end") and trained.kind == backbone


def test_a_variant_has_separate_jobs(config):
    assert ("cheetah-vel", "pairs") in table_cells.backbones(config)
    assert ("ant-dir", "pairs") not in table_cells.backbones(config)
    jobs = {job.record: job for job in jobs_of(config)}
    job = jobs["2_pretrain/cheetah-vel/pairs/seed0.provenance.json"]
    assert job.settings["backbone"] == "pairs" and job.settings["prompt"]["segments"] == 2


@pytest.mark.parametrize(
    ("path", "value", "key"),
    [
        ("backbones.mt-orl", {"kind": "mt-orl"}, "backbones.mt-orl"),
        ("backbones.other", {"kind": "cmt"}, "backbones.other.kind"),
        ("backbones.other", {}, "backbones.other.kind"),
        ("backbones.other", {"kind": "mt-orl", "colour": 3}, "backbones.other.colour"),
        ("backbones.pairs.prompt_segments", 0, "backbones.pairs.prompt_segments"),
        ("backbones.pairs.prompt_segments", 21, "backbones.pairs.prompt_segments"),
        ("backbones.pairs.prompt_length", 200, "backbones.pairs.prompt_length"),
        ("backbones.pairs.prompt_position", "any", "backbones.pairs.prompt_position"),
        ("backbones.pairs.warmup_steps", 1801, "backbones.pairs.warmup_steps"),
        ("backbones.pairs.steps", 50, "pretrain.warmup_steps"),
        ("backbones.pairs.data_trajectories", 1, "conditions.pairs.samples"),
        ("backbones.pairs.demonstrations", 101, "backbones.pairs.demonstrations"),
        ("conditions.pairs.backbone", "other", "conditions.pairs.backbone"),
        ("conditions.short.prompt_length", 200, "conditions.short.prompt_length"),
        ("conditions.short.prompts_per_task", 0, "conditions.short.prompts_per_task"),
        ("backbones.pairs.kind", "mt-orl", "entries.pairs.method"),
    ],
)
def test_the_key_of_a_variants_wrong_value_is_named(path, value, key):
    assert fault_key({path: value}, yaml.safe_load(OVERLAY)) == key


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        (
            "backbones.pairs.prompt_segments",
            21,
            (
                "backbones.pairs.prompt_segments",
                "found 21, of 20 steps each",
                "at most 400 steps in all",
            ),
        ),
        (
            "backbones.pairs.steps",
            50,
            (
                "pretrain.warmup_steps",
                "found 100",
                "at most the 50 steps of pairs on cheetah-vel",
            ),
        ),
        (
            "backbones.pairs.data_trajectories",
            1,
            (
                "conditions.pairs.samples",
                "found 256",
                "at most the 200 steps of cheetah-vel's 1 episodes of a level",
            ),
        ),
        (
            "backbones.pairs.kind",
            "mt-orl",
            (
                "entries.pairs.method",
                "found ptdt-offline, which tunes prompts, on pairs",
                "a condition whose backbone reads a prompt",
            ),
        ),
    ],
)
def test_the_error_names_the_backbone_that_a_value_does_not_fit(path, value, fault):
    assert fault_of({path: value}, yaml.safe_load(OVERLAY)) == fault


def test_prompts_are_checked_only_in_the_suites_that_play_them():
    """A condition for long episodes is allowed in a run that also has short ones."""
    long = {"conditions.pairs.prompt_length": 150}
    changed(long)  # episodes of reach have 82 steps, but reach has no such cell
    with pytest.raises(TrajpromptError, match=r"conditions.pairs.prompt_length.*reach"):
        changed({**long, "tables.mine.suites": ["cheetah-vel", "reach"]})


def test_an_unknown_backbone_on_the_command_line():
    with pytest.raises(TrajpromptError, match="backbone 'pairs'.*prompt-dt"):
        derive.pretrain(DEFAULT, "reach", "pairs", 0)
