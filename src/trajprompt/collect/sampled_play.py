"""Episodes of a snapshot's policy."""

import numpy as np

from trajprompt.collect.mlp_policy import MlpPolicy
from trajprompt.collect.recorder import BufferRecorder
from trajprompt.seeds import children, integers
from trajprompt.tasks.registry import make_simulator
from trajprompt.tasks.suites import Suite


def returns(
    policy: MlpPolicy,
    suite: Suite,
    episodes: int,
    seed: np.random.SeedSequence,
    threads: int,
    *,
    sampled: bool,
) -> np.ndarray:
    """Returns (episodes,) of the sampled policy or of its mean action, an episode a row."""
    resets, noise = children(seed, 2)
    generator = np.random.default_rng(noise) if sampled else None
    simulator = make_simulator(suite, np.zeros(episodes, np.int64), threads)
    observations = simulator.reset(integers(resets, episodes))
    found = np.zeros(episodes)
    for _ in range(suite.horizon):
        step = simulator.step(policy.act(observations, generator))
        found += step.rewards
        observations = step.observations
        if step.terminations.all():
            break
    return found


def play(
    policy: MlpPolicy,
    suite: Suite,
    steps: int,
    rows: int,
    seed: np.random.SeedSequence,
    threads: int,
) -> BufferRecorder:
    """Episodes of the sampled policy: at least ``steps`` steps, in ``rows`` rows.

    Each row starts episodes until it has its share of the steps, and ends the last one.
    """
    resets, noise = children(seed, 2)
    generator, starts = np.random.default_rng(noise), np.random.default_rng(resets)
    tasks = np.zeros(rows, np.int64)
    simulator = make_simulator(suite, tasks, threads)
    share = -(-steps // rows)
    recorder = BufferRecorder(suite, tasks, share + suite.horizon)
    observations = simulator.reset(starts.integers(2**31, size=rows))
    ages, done = np.zeros(rows, np.int64), np.zeros(rows, bool)
    for now in range(share + suite.horizon):
        actions = policy.act(observations, generator)
        step = simulator.step(actions)
        recorder.add(observations, actions, step.rewards, step.terminations)
        ages += 1
        ended = (step.terminations | (ages == suite.horizon)) & ~done
        observations = step.observations
        if ended.any():
            recorder.close(ended, observations)
            done |= ended & (now + 1 >= share)
            again = ended & ~done
            observations = simulator.reset(starts.integers(2**31, size=rows), again)
            ages[ended] = 0
        if done.all():
            break
    return recorder
