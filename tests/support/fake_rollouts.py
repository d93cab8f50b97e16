"""Evaluation without simulator and policy: the return of a prompt is its value."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from trajprompt.adaptations.adaptation import HISTORY_COLUMNS
from trajprompt.adaptations.read import StoredAdaptation
from trajprompt.rollout import plays
from trajprompt.settings.stages import EvaluateSettings
from trajprompt.trajectories.segments import Segments

ROWS = 3
SETTINGS = EvaluateSettings(
    run="test",
    run_seed=0,
    suite="cheetah-vel",
    condition="few-shot",
    method="ptdt",
    seed=1,
    episodes=4,
    curve_episodes=2,
    target_return=0.0,
    precision="fp32",
    engine="torch",
    device="cpu",
    threads=1,
)


def prompts(value: float) -> Segments:
    """Prompts whose elements are all ``value`` + the row."""
    rows = torch.arange(ROWS).float() + value

    def full(width: int) -> torch.Tensor:
        return rows.view(ROWS, 1, 1).expand(ROWS, 2, width).contiguous()

    fixed = torch.ones(ROWS, 2, dtype=torch.bool)
    return Segments(full(1), full(20), full(6), fixed.long(), fixed)


def adaptation(**changes) -> StoredAdaptation:
    tasks, indices = np.array([2, 2, 7]), np.array([0, 1, 0])
    history = {name: np.zeros(ROWS * 3) for name in HISTORY_COLUMNS}
    history["task"], history["prompt"] = np.tile(tasks, 3), np.tile(indices, 3)
    history["iteration"] = np.repeat([0, 1, 2], ROWS)
    history["queries"] = np.repeat([1, 17, 33], ROWS)
    values = {
        "rows": tasks,
        "prompts": indices,
        "initial": prompts(0.0),
        "last": prompts(20.0),
        "best": prompts(10.0),
        "best_iteration": np.full(ROWS, 1),
        "curve": {0: prompts(0.0), 1: prompts(10.0), 2: prompts(20.0)},
        "history": history,
        "weights": {},
        "attributes": {},
    }
    return StoredAdaptation(**{**values, **changes})


@pytest.fixture
def played(monkeypatch) -> list[SimpleNamespace]:
    """Log of rollouts; returns are prompt value + seed / 2^31 + 1000 x backbone's name."""
    log: list[SimpleNamespace] = []

    def policy(settings, backbone, prompts, rows):
        value = torch.zeros(rows) if prompts is None else prompts.states[:, 0, 0]
        return value.double().numpy() + 1000 * backbone.name

    def rollout(simulator, policy, seeds):
        log.append(SimpleNamespace(tasks=simulator, seeds=seeds))
        returns = policy + seeds / 2**31
        return SimpleNamespace(
            returns=returns,
            lengths=np.full(len(seeds), 200),
            successes=np.zeros(len(seeds), bool),
        )

    monkeypatch.setattr(plays, "make_policy", policy)
    monkeypatch.setattr(plays, "rollout", rollout)
    monkeypatch.setattr(plays, "make_simulator", lambda suite, tasks, threads: tasks)
    return log


def backbone(name: int = 0) -> SimpleNamespace:
    return SimpleNamespace(name=name, with_weights=lambda weights: backbone(weights))


def select(entries, **values):
    return [e for e in entries if all(e[k] == v for k, v in values.items())]
