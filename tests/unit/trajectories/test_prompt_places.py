"""Prompts of several segments, and their places: exhaustive and statistical tests."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from support.slow_segments import (
    IDENTITY,
    LENGTHS,
    SCALE,
    SHIFTED,
    assert_segment,
    generator,
    make_task,
    slow_segment,
)
from trajprompt.errors import TrajpromptError
from trajprompt.trajectories.episode_table import EpisodeTable
from trajprompt.trajectories.episode_tensors import EpisodeTensors
from trajprompt.trajectories.prompt_places import POSITIONS, PromptPlaces

TASKS = st.lists(LENGTHS, min_size=1, max_size=3)
POSITION = st.sampled_from(sorted(POSITIONS))


def make_episodes(lengths, extra: int) -> tuple[list, EpisodeTensors]:
    """Tasks with an extra episode of ``extra`` steps each."""
    tasks = [make_task(i, [*steps, extra]) for i, steps in enumerate(lengths)]
    return tasks, EpisodeTensors(EpisodeTable.of(tasks, SCALE), SHIFTED)


@settings(max_examples=60, deadline=None)
@given(TASKS, st.integers(1, 5))
def test_windows_are_every_segment_of_every_episode_once(lengths, length) -> None:
    """In the order of their rows, unpadded, and none across the end of an episode."""
    tasks, episodes = make_episodes(lengths, extra=5)
    found = episodes.windows(length)
    assert len(found) == len(tasks)
    for task, windows in zip(tasks, found, strict=True):
        places = [
            (episode, start)
            for episode, steps in enumerate(task.lengths)
            for start in range(steps - length + 1)
        ]
        assert windows.leading == (len(places),) and windows.length == length
        assert windows.mask.all()
        for index, (episode, start) in enumerate(places):
            expected = slow_segment(task, SHIFTED, episode, start, length)
            assert_segment(windows.select(index), expected)


@settings(max_examples=60, deadline=None)
@given(TASKS, st.integers(1, 5), st.integers(1, 4), POSITION, st.integers(0, 99))
def test_segments_are_in_the_order_of_their_draws(
    lengths, length, count, position, seed
) -> None:
    """The J segments of a prompt equal J prompts of one segment."""
    _, episodes = make_episodes(lengths, extra=5)
    form = (length, count, position)
    found = episodes.sample_prompts(generator(seed), 3, *form)
    alone = episodes.sample_prompts(generator(seed), 3 * count, length, 1, position)
    assert found.leading == (3 * len(lengths),) and found.length == count * length
    joined = [tensor.reshape(-1, length, *tensor.shape[2:]) for tensor in found]
    assert all(torch.equal(a, b) for a, b in zip(joined, alone, strict=True))


@settings(max_examples=40, deadline=None)
@given(TASKS, st.integers(1, 5), st.integers(1, 3), POSITION, st.integers(0, 99))
def test_every_drawn_segment_is_a_window_of_its_task(
    lengths, length, count, position, seed
) -> None:
    _, episodes = make_episodes(lengths, extra=5)
    windows = episodes.windows(length)
    found = episodes.sample_prompts(generator(seed), 4, length, count, position)
    for index, states in enumerate(found.states):
        of_task = windows[index // 4].states
        for segment in states.split(length):
            assert (of_task == segment).flatten(1).all(dim=1).any()


@settings(max_examples=40, deadline=None)
@given(TASKS, st.integers(1, 5), st.integers(1, 3), POSITION, st.integers(0, 99))
def test_transitions_are_the_same_draws_with_their_rewards(
    lengths, length, count, position, seed
) -> None:
    tasks, episodes = make_episodes(lengths, extra=5)
    form = (length, count, position)
    found = episodes.sample_transitions(generator(seed), 4, *form)
    assert found.rewards.shape == (len(tasks), 4, count * length, 1)
    plain = episodes.sample_prompts(generator(seed), 4, *form)
    pairs = zip(found.prompts.flatten(), plain, strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    steps = SHIFTED.mean + SHIFTED.std * found.prompts.states
    for i, task in enumerate(tasks):
        chosen = steps[i].round().long().reshape(-1, 3).numpy()  # (task, episode, step)
        rows = task.starts[chosen[:, 1]] + chosen[:, 2]
        rewards = found.rewards[i].reshape(-1).numpy() * SCALE
        np.testing.assert_allclose(rewards, task.rewards[rows], atol=1e-4)


def test_uniform_segments_begin_at_every_window_equally_often() -> None:
    """Chi-square over all windows of episodes of unequal length, 99.9 % quantile."""
    lengths, length, draws = [4, 5, 12, 24], 5, 28_000
    episodes = EpisodeTensors(EpisodeTable.of([make_task(0, lengths)], SCALE), IDENTITY)
    found = episodes.sample_prompts(generator(3), draws, length, 1, "uniform")
    first = found.states[:, 0, 1:].long().numpy()  # (episode, step)
    counts = np.zeros((4, 24))
    np.add.at(counts, tuple(first.T), 1)
    last = [steps - length for steps in lengths]
    possible = [(e, t) for e in range(4) for t in range(last[e] + 1)]
    observed = np.array([counts[place] for place in possible])
    assert len(observed) == 29 and observed.sum() == draws
    expected = draws / 29
    assert ((observed - expected) ** 2 / expected).sum() < 56.9  # 28 degrees of freedom


def test_segments_of_a_prompt_are_independent() -> None:
    """Two of three windows: the nine pairs are equally frequent (8 degrees, 99.9 %)."""
    episodes = EpisodeTensors(EpisodeTable.of([make_task(0, [7])], SCALE), IDENTITY)
    found = episodes.sample_prompts(generator(4), 9_000, 5, 2, "uniform").timesteps
    pairs = np.bincount((3 * found[:, 0] + found[:, 5]).numpy(), minlength=9)
    assert len(pairs) == 9
    assert ((pairs - 1000) ** 2 / 1000).sum() < 26.1


def test_the_end_is_one_place_per_episode_that_is_long_enough() -> None:
    places = PromptPlaces(np.array([3, 5, 6, 200]), 5, "end")
    assert places.counts.tolist() == [0, 1, 1, 1]
    assert places.rows(torch.arange(3)).tolist() == [3, 8, 14 + 194]
    every = PromptPlaces(np.array([3, 5, 6]), 5, "uniform")
    assert every.counts.tolist() == [0, 1, 2]
    assert every.rows(torch.arange(3)).tolist() == [3, 8, 9]


def test_errors() -> None:
    tasks = [make_task(0, [20]), make_task(9, [4, 5])]
    episodes = EpisodeTensors(EpisodeTable.of(tasks, SCALE), IDENTITY)
    with pytest.raises(
        TrajpromptError, match="task 9: found a prompt of 6 steps.*at most 5"
    ):
        episodes.windows(6)
    with pytest.raises(
        TrajpromptError, match="prompt_position: found 'middle'.*end, uniform"
    ):
        episodes.sample_prompts(generator(), 2, 5, 1, "middle")
    with pytest.raises(TrajpromptError, match="0 segments per task; expected at least 1"):
        episodes.sample_prompts(generator(), 2, 5, 0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_cuda_equals_cpu() -> None:
    tasks = [make_task(0, [20, 3]), make_task(1, [7])]
    cpu = EpisodeTensors(EpisodeTable.of(tasks, SCALE), SHIFTED)
    cuda = EpisodeTensors(EpisodeTable.of(tasks, SCALE, "cuda"), SHIFTED)
    for position in POSITIONS:
        one = cpu.sample_prompts(generator(4), 8, 5, 2, position)
        other = cuda.sample_prompts(generator(4), 8, 5, 2, position)
        assert other.states.is_cuda
        assert all(torch.equal(a, b.cpu()) for a, b in zip(one, other, strict=True))
    for one, other in zip(cpu.windows(5), cuda.windows(5), strict=True):
        assert all(torch.equal(a, b.cpu()) for a, b in zip(one, other, strict=True))
