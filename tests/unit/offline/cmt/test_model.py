"""What prompts and predictions depend on, and the cache against the full forward pass."""

import pytest
import torch

from support.cmt_problem import ACTIONS, HISTORY, LENGTH, STATES, history, model, window
from trajprompt.models.cmt.cached_generator import CachedGenerator
from trajprompt.models.cmt.model import ADAPTOR, CONSTANT, tuned
from trajprompt.models.cmt.prompt_adaptor import PromptAdaptor


def test_padding_of_a_history_changes_nothing():
    full = history(valid=3)
    other = full._replace(
        states=torch.where(full.mask[..., None], full.states, 9.0),
        actions=torch.where(full.mask[..., None], full.actions, -1.0),
        rewards=torch.where(full.mask, full.rewards, 9.0),
    )
    encoder = model().encoder
    assert torch.equal(encoder(full), encoder(other))


@pytest.mark.parametrize("place", range(HISTORY))
def test_every_transition_of_a_history_changes_the_prompt(place):
    full, encoder = history(), model().encoder
    for name in ("states", "actions", "rewards"):
        changed = getattr(full, name).clone()
        changed[:, place] += 0.5
        found = encoder(full._replace(**{name: changed}))
        assert (found - encoder(full)).abs().amax(1).min() > 1e-4


def test_an_empty_history_has_one_prompt():
    prompts = model().encoder(history(valid=0))
    assert torch.equal(prompts, prompts[:1].expand(len(prompts), -1))


def sequence(found):
    """Predictions in the order of their tokens: 4 per step, 2 of the state's token."""
    return list(
        zip(
            found.actions.unbind(1),
            found.values.unbind(1),
            found.rewards.unbind(1),
            found.changes.unbind(1),
            strict=True,
        )
    )


# Token -> the first prediction of its step that may depend on it.
FIRST = {"states": 0, "actions": 2, "rewards": 3}


@pytest.mark.parametrize("place", range(LENGTH))
@pytest.mark.parametrize("name", FIRST)
def test_a_token_changes_only_what_comes_after_it(name, place):
    generator, prompts = model().generator, torch.randn(4, 8)
    given = dict(zip(("states", "actions", "rewards"), window(), strict=True))
    changed = given[name].clone()
    changed[:, place] += 0.5
    before = sequence(generator(prompts, **given))
    after = sequence(generator(prompts, **{**given, name: changed}))
    for step, (one, other) in enumerate(zip(before, after, strict=True)):
        for part in range(4):
            same = torch.equal(one[part], other[part])
            earlier = (step, part) < (place, FIRST[name])
            assert same == earlier, (step, part)


def test_the_prompt_changes_all_predictions():
    generator, given = model().generator, window()
    first, second = (generator(torch.randn(4, 8), *given) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert (one != other).all()


def test_the_cache_equals_the_forward_pass():
    made, (states, actions, rewards) = model(), window()
    prompts = made.encoder(history())
    expected = made.generator(prompts, states, actions, rewards)
    cache = CachedGenerator(made.generator, prompts)
    for step in range(LENGTH):
        assert cache.steps == step
        action, value = cache.add_state(states[:, step])
        reward = cache.add_action(actions[:, step])
        change = cache.add_reward(rewards[:, step])
        torch.testing.assert_close(action, expected.actions[:, step])
        torch.testing.assert_close(value, expected.values[:, step])
        torch.testing.assert_close(reward, expected.rewards[:, step])
        torch.testing.assert_close(change, expected.changes[:, step])


def test_selected_rows_of_a_cache_continue_on_their_own():
    made, (states, actions, rewards) = model(), window()
    rows = torch.tensor([2, 0, 2])
    cache = CachedGenerator(made.generator, made.encoder(history()))
    cache.add_state(states[:, 0])
    chosen = cache.select(rows)
    chosen.add_action(-actions[rows, 0])  # does not change the original
    cache.add_action(actions[:, 0])
    found = cache.add_reward(rewards[:, 0])
    again = CachedGenerator(made.generator, made.encoder(history()))
    again.add_state(states[:, 0])
    again.add_action(actions[:, 0])
    assert torch.equal(found, again.add_reward(rewards[:, 0]))
    alone = CachedGenerator(made.generator, made.encoder(history())[rows])
    alone.add_state(states[rows, 0])
    alone.add_action(-actions[rows, 0])
    expected = alone.add_reward(rewards[rows, 0])
    torch.testing.assert_close(chosen.add_reward(rewards[rows, 0]), expected)


def adaptor_weights(hidden=4):
    fresh = PromptAdaptor(8, hidden).state_dict()
    return {f"{ADAPTOR}{name}": tensor for name, tensor in fresh.items()}


def test_a_fresh_adaptor_keeps_all_bits():
    made, given = model(), window()
    adapted = tuned(made, adaptor_weights())
    assert adapted.config.adaptor == 4
    prompts = made.prompts(history())
    assert torch.equal(adapted.prompts(history()), prompts)
    found = adapted.generator(adapted.prompts(history()), *given)
    assert torch.equal(found.actions, made.generator(prompts, *given).actions)


def test_a_constant_prompt_replaces_the_encoders():
    made = tuned(model(), {CONSTANT: torch.arange(8.0)})
    prompts = made.prompts(history())
    assert torch.equal(prompts, torch.arange(8.0).expand(4, -1))
    back = tuned(made, adaptor_weights())  # the tuned weights of one method replace others
    assert not back.config.constant_prompt


def test_weights_of_another_size_are_refused():
    with pytest.raises(RuntimeError, match="size mismatch"):
        tuned(model(), {CONSTANT: torch.zeros(5)})


def test_predictions_have_the_sizes_of_the_suite():
    found = model().generator(torch.randn(4, 8), *window())
    assert found.actions.shape == (4, LENGTH, ACTIONS)
    assert found.changes.shape == (4, LENGTH, STATES)
    assert found.actions.abs().max() <= 1
