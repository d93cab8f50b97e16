"""A tiny tuning problem of the Contextual Meta Transformer, and its relabelled data."""

import dataclasses

import numpy as np
import torch

from support.cmt_problem import episodes, model
from trajprompt.artifacts.checkpoint import Checkpoint
from trajprompt.models.backbone import Backbone
from trajprompt.offline.cmt.relabelling import RelabelOptions, best_prompts, relabel
from trajprompt.offline.cmt.windows import WindowTable
from trajprompt.seeds import stream
from trajprompt.tasks.registry import get_suite
from trajprompt.trajectories.normaliser import Normaliser
from trajprompt.tuning.protocol import TuningProblem

SUITE = get_suite("hopper-medium")
SIZES = {"state_dim": SUITE.state_dim, "action_dim": SUITE.action_dim}
OPTIONS = RelabelOptions(
    horizon=2, beam=4, expansions=2, noise=0.3, states=20, prompts=3, best_share=0.5
)
LENGTHS = (4, 31, 43)


def hopper_episodes():
    """Random episodes with the sizes of the hopper's states and actions."""
    g, made = np.random.default_rng(0), episodes(LENGTHS)
    states, actions = SUITE.state_dim, SUITE.action_dim
    return dataclasses.replace(
        made,
        observations=g.standard_normal((sum(LENGTHS), states)).astype(np.float32),
        final_observations=g.standard_normal((len(LENGTHS), states)).astype(np.float32),
        actions=g.uniform(-1, 1, (sum(LENGTHS), actions)).astype(np.float32),
    )


def make_backbone(seed=0, noise=0.3):
    made = model(seed, noise, **SIZES)
    normaliser = Normaliser(torch.zeros(SUITE.state_dim), torch.ones(SUITE.state_dim))
    return Backbone("cmt", SUITE.name, made, normaliser, 1.0, made.config, "cmt")


def make_table(backbone):
    task, sizes = hopper_episodes(), backbone.config
    statistics = backbone.normaliser.mean.numpy(), backbone.normaliser.std.numpy()
    return WindowTable.of(
        task, *statistics, 0.9, sizes.history, sizes.context_length, "cpu"
    )


def make_relabelled(backbone):
    """Relabelled states and the best prompt."""
    table, returns = make_table(backbone), hopper_episodes().returns
    generator = torch.Generator().manual_seed(0)
    found = relabel(backbone.model, table, returns, OPTIONS, generator)
    best = best_prompts(backbone.model, table, returns, OPTIONS.best_share)
    return found, best.mean(0)


def make_cmt_problem(checkpoint=None, noise=0.3):
    backbone = make_backbone(noise=noise)
    return TuningProblem(
        suite=SUITE,
        rows=np.array([0]),
        prompts=np.array([0]),
        backbone=backbone,
        initial_prompts=None,
        samples=None,
        target_return=0.0,
        stream=stream(0, "tune"),
        checkpoint=checkpoint or Checkpoint(),
        relabelled=make_relabelled(backbone),
    )
