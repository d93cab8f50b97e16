"""PPO: advantages and loss against direct computation, scales, resuming, learning."""

import dataclasses

import numpy as np
import pytest
import torch

from trajprompt.collect.options import PpoOptions, TeacherOptions
from trajprompt.collect.ppo import Ppo, Rollout, advantages, clipped_loss
from trajprompt.collect.ppo_teacher import PpoTeacher
from trajprompt.collect.running_moments import RunningMoments
from trajprompt.errors import TrajpromptError
from trajprompt.tasks.registry import get_suite, make_simulator

DISCOUNT, DECAY = 0.9, 0.7


def random_rollout(steps=12, rows=3):
    generator = np.random.default_rng(4)
    shape = (steps, rows)
    ends = generator.random(shape) < 0.3
    terminated = generator.random(shape) < 0.5
    end_values = np.where(ends & ~terminated, generator.standard_normal(shape), 0.0)
    values, rewards = generator.standard_normal((2, *shape))
    empty = np.zeros((*shape, 1))
    last = generator.standard_normal(rows)
    return Rollout(empty, empty, empty[..., 0], values, rewards, ends, end_values, last)


def direct_advantages(rollout):
    """Sum over the rest of the episode of decayed errors, one entry at a time."""
    steps, rows = rollout.rewards.shape
    found = np.zeros((steps, rows))
    for row in range(rows):
        for start in range(steps):
            weight = 1.0
            for now in range(start, steps):
                if rollout.ends[now, row]:
                    after = rollout.end_values[now, row]
                elif now + 1 < steps:
                    after = rollout.values[now + 1, row]
                else:
                    after = rollout.last_values[row]
                error = rollout.rewards[now, row] + DISCOUNT * after
                found[start, row] += weight * (error - rollout.values[now, row])
                weight *= DISCOUNT * DECAY
                if rollout.ends[now, row]:
                    break
    return found


def test_advantages_equal_a_direct_sum():
    rollout = random_rollout()
    found = advantages(rollout, DISCOUNT, DECAY)
    np.testing.assert_allclose(found, direct_advantages(rollout), atol=1e-12)


def test_a_time_limit_is_bootstrapped_and_a_termination_is_not():
    rollout = random_rollout(steps=1, rows=2)._replace(
        ends=np.array([[True, True]]),
        end_values=np.array([[5.0, 0.0]]),
        rewards=np.ones((1, 2)),
        values=np.zeros((1, 2)),
    )
    found = advantages(rollout, DISCOUNT, DECAY)
    np.testing.assert_allclose(found, [[1 + DISCOUNT * 5.0, 1.0]])


def test_the_clipped_loss_has_the_gradient_of_finite_differences():
    ratio = torch.tensor([0.5, 0.9, 1.0, 1.1, 1.5] * 2, dtype=torch.float64)
    gains = torch.tensor([1.0] * 5 + [-1.0] * 5, dtype=torch.float64)
    ratio.requires_grad_()
    (slope,) = torch.autograd.grad(clipped_loss(ratio, gains, 0.2), ratio)
    step = 1e-6
    for index in range(len(ratio)):
        shift = torch.zeros_like(ratio)
        shift[index] = step
        change = clipped_loss(ratio + shift, gains, 0.2) - clipped_loss(
            ratio - shift, gains, 0.2
        )
        assert slope[index].item() == pytest.approx(change.item() / (2 * step), abs=1e-8)
    # Beyond the clip there is no gradient in the direction that already went too far.
    assert slope[4] == 0 and slope[5] == 0


def test_running_moments_equal_those_of_all_values():
    generator = np.random.default_rng(1)
    batches = [generator.standard_normal((n, 3)) * 4 + 9 for n in (1, 7, 30)]
    moments = RunningMoments((3,))
    for batch in batches:
        moments.add(batch)
    together = np.concatenate(batches)
    np.testing.assert_allclose(moments.mean, together.mean(0))
    np.testing.assert_allclose(moments.variance, together.var(0))


def teacher(rows=4, rollout=8):
    suite = get_suite("hopper-medium")
    simulator = make_simulator(suite, np.zeros(rows, np.int64))
    options = PpoOptions(rows=rows, rollout=rollout, minibatch=16, epochs=2)
    return PpoTeacher(simulator, options, TeacherOptions(steps=256, snapshot_every=64), 3)


def learned(learner, first=0, end=None):
    """The learner after its steps from ``first`` to ``end``, by default the last."""
    for update in range(first, learner.total if end is None else end):
        learner.advance(update)
    return learner


def test_a_restored_teacher_continues_with_the_same_bits():
    straight = learned(teacher())
    stopped, resumed = learned(teacher(), end=3), teacher()
    resumed.restore(stopped.state())
    learned(resumed, first=3)
    assert [done for done, _ in resumed.snapshots] == [0, 64, 128, 192, 256]
    for (_, ours), (_, theirs) in zip(straight.snapshots, resumed.snapshots, strict=True):
        for name, array in ours.arrays().items():
            np.testing.assert_array_equal(array, theirs.arrays()[name])


def test_a_snapshot_acts_as_the_learner():
    learner = learned(teacher())
    policy = learner.snapshots[-1][1]
    mean, log_std = policy.gaussian(learner.observations)
    features = torch.from_numpy(learner.ppo.normalise(learner.observations))
    expected, expected_std, _ = learner.ppo.network(features)
    np.testing.assert_allclose(mean, expected.detach(), atol=1e-5)
    np.testing.assert_array_equal(log_std, expected_std.detach())


def test_it_learns_from_a_last_minibatch_of_two_transitions():
    learner = teacher(rows=2, rollout=9)  # 18 transitions: minibatches of 16 and 2
    before = learner.ppo.vector.detach().clone()
    learner.advance(0)
    assert learner.ppo.vector.isfinite().all()
    assert not torch.equal(learner.ppo.vector, before)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"rewards": np.inf}, "found loss (nan|inf) after 0 gradient steps; expected"),
        ({"features": np.nan}, "found loss nan after 0"),
        # The loss, 1000 (1e18)² / 16, is finite; the square of its slope by a bias is not.
        ({"rewards": 1e18}, "found gradient norm inf after 0"),
    ],
)
def test_a_loss_or_gradient_that_is_not_finite_is_an_error(change, message):
    learner = teacher()
    learner.ppo.options = dataclasses.replace(learner.ppo.options, value_weight=1000.0)
    rollout = learner._play()
    for name, value in change.items():
        getattr(rollout, name)[0, 0] = value
    before = learner.ppo.vector.detach().clone()
    with pytest.raises(TrajpromptError, match=f"teachers.hopper: {message}"):
        learner.ppo.learn(rollout, 0.0, learner.shuffling)
    assert torch.equal(learner.ppo.vector, before)


def test_a_weight_that_is_not_finite_is_an_error():
    learner = teacher()
    rollout = learner._play()
    with torch.no_grad():
        learner.ppo.network.value[0].weight[0, 0] = np.nan
    with pytest.raises(TrajpromptError, match="teachers.hopper: found loss nan"):
        learner.ppo.learn(rollout, 0.0, learner.shuffling)


def test_it_learns_to_follow_a_target():
    """A one-step task: the reward is minus the squared distance of the action to 0.5."""
    generator = torch.Generator().manual_seed(0)
    options = PpoOptions(minibatch=64, epochs=5, learning_rate=1e-2)
    ppo = Ppo(2, 1, 64, options, generator, torch.Generator().manual_seed(1))
    ends = np.ones((4, 64), bool)
    numbers = np.random.default_rng(2)
    ppo.seen.add(numbers.standard_normal((64, 2)))
    for update in range(40):
        kept = []
        for _ in range(4):
            features = ppo.normalise(numbers.standard_normal((64, 2)))
            actions, densities, values = ppo.act(features)
            rewards = -np.square(actions[:, 0] - 0.5)
            kept.append((features, actions, densities, values, rewards))
        columns = [np.stack(column) for column in zip(*kept, strict=True)]
        rollout = Rollout(*columns, ends, np.zeros((4, 64)), np.zeros(64))
        ppo.learn(rollout, update / 40, generator)
    mean, _, _ = ppo.network(torch.zeros(1, 2))
    assert mean.item() == pytest.approx(0.5, abs=0.05)
