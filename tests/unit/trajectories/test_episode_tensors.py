"""Segments and prompts against a slow plain-Python sampler, closed forms and statistics."""

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
from trajprompt.trajectories.episode_table import EpisodeTable, returns_to_go
from trajprompt.trajectories.episode_tensors import EpisodeTensors
from trajprompt.trajectories.normaliser import STD_FLOOR, Normaliser


@settings(max_examples=60, deadline=None)
@given(st.lists(LENGTHS, min_size=1, max_size=3), st.integers(1, 15), st.integers(0, 99))
def test_contexts_equal_the_slow_sampler(lengths, length, seed) -> None:
    tasks = [make_task(i, steps) for i, steps in enumerate(lengths)]
    episodes = EpisodeTensors(EpisodeTable.of(tasks, SCALE), SHIFTED)
    found = episodes.sample_contexts(generator(seed), 4, length)
    uniform = torch.rand(len(tasks), 4, dtype=torch.float64, generator=generator(seed))
    for i, task in enumerate(tasks):
        for j in range(4):
            row = int(uniform[i, j] * len(task.rewards))
            episode = next(e for e, end in enumerate(task.episode_ends) if row < end)
            start = row - int(task.starts[episode])
            expected = slow_segment(task, SHIFTED, episode, start, length)
            assert_segment(found.select(4 * i + j), expected)


@settings(max_examples=60, deadline=None)
@given(st.lists(LENGTHS, min_size=1, max_size=3), st.integers(1, 5), st.integers(0, 99))
def test_prompts_equal_the_slow_sampler(lengths, length, seed) -> None:
    tasks = [make_task(i, [*steps, 5]) for i, steps in enumerate(lengths)]
    episodes = EpisodeTensors(EpisodeTable.of(tasks, SCALE), SHIFTED)
    found = episodes.sample_prompts(generator(seed), 4, length)
    uniform = torch.rand(len(tasks), 4, dtype=torch.float64, generator=generator(seed))
    for i, task in enumerate(tasks):
        long = [e for e, steps in enumerate(task.lengths) if steps >= length]
        for j in range(4):
            episode = long[int(uniform[i, j] * len(long))]
            start = max(0, int(task.lengths[episode]) - length - 1)
            expected = slow_segment(task, SHIFTED, episode, start, length)
            assert_segment(found.select(4 * i + j), expected)
    assert found.mask.all()


def test_prompt_position_in_a_full_episode() -> None:
    """K* = 5 of T = 200 steps are timesteps 194 to 198."""
    episodes = EpisodeTensors(EpisodeTable.of([make_task(0, [200, 200])], SCALE), IDENTITY)
    prompts = episodes.sample_prompts(generator(), 3, 5)
    assert prompts.timesteps.tolist() == [[194, 195, 196, 197, 198]] * 3
    np.testing.assert_array_equal(prompts.states[..., 2], prompts.timesteps)


@settings(max_examples=40, deadline=None)
@given(st.lists(LENGTHS, min_size=1, max_size=3), st.integers(1, 5), st.integers(0, 99))
def test_transitions_are_prompts_with_the_rewards_of_their_steps(lengths, length, seed):
    """Also if a prompt ends with its episode, as in an episode of exactly K* steps."""
    tasks = [make_task(i, [*steps, 5]) for i, steps in enumerate(lengths)]
    episodes = EpisodeTensors(EpisodeTable.of(tasks, SCALE), SHIFTED)
    found = episodes.sample_transitions(generator(seed), 4, length)
    assert found.rewards.shape == (len(tasks), 4, length, 1)
    plain = episodes.sample_prompts(generator(seed), 4, length)
    pairs = zip(found.prompts.flatten(), plain, strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    steps = SHIFTED.mean + SHIFTED.std * found.prompts.states
    for i, task in enumerate(tasks):
        chosen = steps[i].round().long().reshape(-1, 3).numpy()  # (task, episode, step)
        rows = task.starts[chosen[:, 1]] + chosen[:, 2]
        rewards = found.rewards[i].reshape(-1).numpy() * SCALE
        np.testing.assert_allclose(rewards, task.rewards[rows], atol=1e-4)


def test_return_to_go_is_the_suffix_sum() -> None:
    task = make_task(0, [3, 1, 4])
    task.rewards[:] = [1, 2, 3, 10, 1, 1, 1, 1]
    found, total = returns_to_go(task)
    np.testing.assert_allclose(found, [6, 5, 3, 10, 4, 3, 2, 1], atol=1e-12)
    assert total == 20


def test_an_episode_is_drawn_in_proportion_to_its_length() -> None:
    """Chi-square of episodes and of starts, each below its 99.9 % quantile."""
    lengths = [2, 10, 30, 58]
    draws = 20_000
    episodes = EpisodeTensors(EpisodeTable.of([make_task(0, lengths)], SCALE), IDENTITY)
    first = episodes.sample_contexts(generator(3), draws, 1).states[:, 0].long().numpy()
    expected = np.array(lengths) * draws / 100
    observed = np.bincount(first[:, 1], minlength=4)
    assert ((observed - expected) ** 2 / expected).sum() < 16.3  # 3 degrees of freedom
    starts = np.bincount(first[first[:, 1] == 2, 2], minlength=30)
    mean = starts.sum() / 30
    assert len(starts) == 30
    assert ((starts - mean) ** 2 / mean).sum() < 58.3  # 29 degrees of freedom


def test_prompt_episodes_are_uniform_among_those_long_enough() -> None:
    episodes = EpisodeTensors(
        EpisodeTable.of([make_task(0, [4, 6, 50, 200])], SCALE), IDENTITY
    )
    drawn = episodes.sample_prompts(generator(5), 9_000, 5).states[:, 0, 1].long()
    counts = np.bincount(drawn.numpy(), minlength=4)
    assert counts[0] == 0
    assert ((counts[1:] - 3000) ** 2 / 3000).sum() < 13.8  # 2 degrees of freedom, 99.9 %


def test_every_task_gives_its_segments_in_order() -> None:
    tasks = [make_task(i, [20, 5]) for i in (7, 3, 5)]
    episodes = EpisodeTensors(EpisodeTable.of(tasks, SCALE), IDENTITY)
    assert episodes.tasks == (7, 3, 5)
    fixed = episodes.sample_contexts(generator(), 6, 4).reshape(3, 6)
    assert fixed.leading == (3, 6)
    assert fixed.length == 4
    for i, task in enumerate((7, 3, 5)):
        of_task = fixed.select(i)
        assert (of_task.states[..., 0][of_task.mask] == task).all()


def test_equal_generators_give_equal_segments() -> None:
    episodes = EpisodeTensors(EpisodeTable.of([make_task(0, [20, 9])], SCALE), IDENTITY)
    one = episodes.sample_contexts(generator(1), 50, 6)
    same = episodes.sample_contexts(generator(1), 50, 6)
    other = episodes.sample_contexts(generator(2), 50, 6)
    assert all(torch.equal(a, b) for a, b in zip(one, same, strict=True))
    assert not torch.equal(one.states, other.states)


def test_shapes_and_types() -> None:
    episodes = EpisodeTensors(EpisodeTable.of([make_task(0, [20])], SCALE), IDENTITY)
    found = episodes.draw(generator(), 2, 6)
    shapes = [tuple(tensor.shape) for tensor in found]
    assert shapes == [(1, 2, 6, 1), (1, 2, 6, 3), (1, 2, 6, 2), (1, 2, 6), (1, 2, 6)]
    types = [tensor.dtype for tensor in found]
    assert types == [torch.float32] * 3 + [torch.int64, torch.bool]
    flat = found.flatten()
    assert flat.leading == (2,)
    back = flat.reshape(1, 2)
    assert all(torch.equal(a, b) for a, b in zip(found, back, strict=True))
    assert flat.repeat_interleave(3).leading == (6,)
    assert found.to("cpu").select((0, 1)).leading == ()


def test_bad_lengths() -> None:
    tasks = [make_task(0, [20]), make_task(9, [4, 5])]
    episodes = EpisodeTensors(EpisodeTable.of(tasks, SCALE), IDENTITY)
    with pytest.raises(
        TrajpromptError, match="task 9: found a prompt of 6 steps.*at most 5"
    ):
        episodes.sample_prompts(generator(), 2, 6)
    with pytest.raises(TrajpromptError, match="length of 0 steps"):
        episodes.sample_contexts(generator(), 2, 0)
    with pytest.raises(TrajpromptError, match="no tasks"):
        EpisodeTensors(EpisodeTable.of([], SCALE), IDENTITY)


def test_normaliser_is_the_pooled_mean_and_population_deviation() -> None:
    rng = np.random.default_rng(0)
    tasks = [make_task(0, [5]), make_task(1, [300, 20])]
    for task in tasks:
        task.observations[:] = rng.normal([1e4, -2, 0], [1, 5, 0], task.observations.shape)
    fitted = Normaliser.fit(EpisodeTable.of(tasks, SCALE))
    pooled = np.concatenate([task.observations for task in tasks]).astype(np.float64)
    np.testing.assert_allclose(fitted.mean, pooled.mean(0), rtol=1e-6)
    np.testing.assert_allclose(fitted.std, pooled.std(0) + 1e-3, rtol=1e-5)
    assert fitted.std[2] == pytest.approx(STD_FLOOR)
    normal = fitted.normalise(torch.from_numpy(tasks[1].observations))
    assert normal.dtype == torch.float32
    assert normal.shape == (320, 3)
    np.testing.assert_allclose(normal[:, 1].std(), 1.0, atol=0.05)


def test_rounding_noise_is_not_blown_up() -> None:
    """As of the puck's orientation on reach; a step of 0.01 is."""
    task = make_task(0, [300])
    noise = np.random.default_rng(0).normal(0, [1e-6, 1e-2, 1], task.observations.shape)
    task.observations[:] = noise
    fitted = Normaliser.fit(EpisodeTable.of([task], SCALE))
    spread = fitted.normalise(torch.from_numpy(task.observations)).std(dim=0)
    assert spread[0] < 0.01 and spread[1] > 0.85


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_cuda_equals_cpu() -> None:
    tasks = [make_task(0, [20, 3]), make_task(1, [7])]
    cpu = EpisodeTensors(EpisodeTable.of(tasks, SCALE), SHIFTED)
    cuda = EpisodeTensors(EpisodeTable.of(tasks, SCALE, "cuda"), SHIFTED)
    for name in ("sample_contexts", "sample_prompts"):
        one = getattr(cpu, name)(generator(4), 8, 5)
        other = getattr(cuda, name)(generator(4), 8, 5)
        assert other.states.is_cuda
        assert all(torch.equal(a, b.cpu()) for a, b in zip(one, other, strict=True))


def test_samples_use_every_episode_once_before_one_again() -> None:
    """Whatever their lengths; starts within an episode are uniform."""
    task = make_task(0, [5, 40, 1, 10])
    episodes = EpisodeTensors(EpisodeTable.of([task], SCALE), IDENTITY)
    fixed = episodes.draw(generator(), 4000, 1)
    found = fixed.states[0, :, 0, 1].long().reshape(1000, 4)  # number of the episode
    assert (found.sort(dim=1).values == torch.arange(4)).all()
    steps = fixed.timesteps[0, :, 0].reshape(-1)[found.reshape(-1) == 3]
    counts = np.bincount(steps.numpy(), minlength=10)
    assert ((counts - 100) ** 2 / 100).sum() < 27.9  # 9 degrees of freedom, 99.9 %
