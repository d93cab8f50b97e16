"""Prompts to vectors and back: Eq. 8 and 9 of Prompt Diffuser."""

import torch

from trajprompt.seeds import stream, torch_generator
from trajprompt.trajectories.segments import PromptSet, Segments
from trajprompt.tuning.generation.codec import PromptCodec


def prompt_set(*leading: int, length: int = 5, seed: int = 0) -> PromptSet:
    rng = torch_generator(stream(seed, "prompts"))

    def normal(width: int, scale: float, middle: float) -> torch.Tensor:
        drawn = torch.randn(*leading, length, width, generator=rng)
        return middle + scale * drawn

    times = torch.arange(length) + torch.randint(190, (*leading, 1), generator=rng)
    mask = torch.ones(*leading, length, dtype=torch.bool)
    states, actions = normal(4, 3.0, 1.0), normal(2, 0.4, 0.0)
    prompts = Segments(normal(1, 0.1, -0.2), states, actions, times, mask)
    return PromptSet(prompts, normal(1, 0.01, -0.05))


def test_round_trip_keeps_states_actions_and_the_condition():
    known = prompt_set(3, 40)
    codec = PromptCodec.fit(known)
    vectors = codec.encode(known)
    assert vectors.shape == (3, 40, codec.features) == (3, 40, 5 * 7)
    found = codec.decode(vectors, known.prompts)
    torch.testing.assert_close(found.states, known.prompts.states)
    torch.testing.assert_close(found.actions, known.prompts.actions)
    assert torch.equal(found.returns_to_go, known.prompts.returns_to_go)
    assert torch.equal(found.timesteps, known.prompts.timesteps)


def test_each_kind_of_token_fills_its_range():
    known = prompt_set(3, 40)
    codec = PromptCodec.fit(known)
    steps = codec.encode(known).unflatten(-1, (5, 7))  # state 4, action 2, reward 1
    condition = codec.condition(known.prompts)
    kinds = [*steps.split([4, 2, 1], dim=-1), *condition.split([5, 5], dim=-1)]
    for values in kinds:
        torch.testing.assert_close(values.max(), torch.tensor(1.0))
        torch.testing.assert_close(values.min(), torch.tensor(-1.0))


def test_values_are_clipped_to_the_range_of_training():
    codec = PromptCodec.fit(prompt_set(2, 20))
    other = prompt_set(1, 8, seed=1)
    far = PromptSet(other.prompts._replace(states=other.prompts.states * 10), other.rewards)
    vectors = codec.encode(far)
    assert vectors.abs().max() == 1.0  # values outside are clipped
    states = far.prompts.states
    low, high = (codec.states.middle + side * codec.states.half for side in (-1, 1))
    assert states.min() < low and states.max() > high
    found = codec.decode(vectors, far.prompts)
    torch.testing.assert_close(found.states, states.clamp(low, high))


def test_each_dimension_can_have_a_range():
    known = prompt_set(3, 40)
    known.prompts.states[..., 1] *= 100.0
    known.prompts.states[..., 2] = 0.5
    codec = PromptCodec.fit(known, per_dimension=True)
    vectors = codec.encode(known)
    steps = vectors.unflatten(-1, (5, 7)).flatten(0, 2)
    varies = torch.arange(7) != 2
    torch.testing.assert_close(steps.amax(dim=0), varies.float())
    torch.testing.assert_close(steps.amin(dim=0), -varies.float())
    found = codec.decode(vectors + torch.randn_like(vectors), known.prompts)
    assert (found.states[..., 2] == 0.5).all()  # a constant does not change
    found = codec.decode(vectors, known.prompts)
    torch.testing.assert_close(found.states, known.prompts.states)


def test_constants_are_decoded_unchanged():
    known = prompt_set(2, 20)
    actions = torch.full_like(known.prompts.actions, 0.3)
    constant = PromptSet(known.prompts._replace(actions=actions), known.rewards)
    codec = PromptCodec.fit(constant)
    vectors = codec.encode(constant)
    assert vectors.isfinite().all()
    found = codec.decode(vectors + torch.randn_like(vectors), constant.prompts)
    assert torch.equal(found.actions, actions)


def test_prompts_are_ordered_by_step_and_conditions_by_kind():
    known = prompt_set(1, 6)
    codec = PromptCodec.fit(known)
    vectors = codec.encode(known)
    second = vectors[..., 7:14]
    expected = codec.rewards.encode(known.rewards[..., 1, :])
    assert torch.equal(second[..., 6:], expected)
    times = codec.condition(known.prompts)[..., 5:]
    assert torch.equal(times, codec.timesteps.encode(known.prompts.timesteps.float()))
