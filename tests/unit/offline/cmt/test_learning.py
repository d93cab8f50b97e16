"""Representation stage: its loss, independence of seeds, resuming, and that it learns."""

import math

import pytest
import torch

from support.cmt_problem import HISTORY, config, episodes, history, model, table
from support.offline_problem import generators
from trajprompt.errors import TrajpromptError
from trajprompt.models.cmt.encoder import History
from trajprompt.models.cmt.model import Cmt
from trajprompt.numerics.flat_adamw import FlatAdamW
from trajprompt.offline.cmt.contrastive import info_nce
from trajprompt.offline.cmt.learning import CmtLearner, learning_rate_at, step
from trajprompt.offline.cmt.objective import hidden_histories, losses, supervised
from trajprompt.offline.cmt.options import CmtOptions
from trajprompt.offline.noise import Noise
from trajprompt.settings.options import parse_options

TABLE = table(episodes((30, 40, 50, 20)))
OPTIONS = CmtOptions(batch=8, warmup=2, learning_rate=0.01)


def batches(seeds, number, count=8):
    index = [
        torch.randint(len(TABLE), (count,), generator=g)
        for g in generators(seeds, 1000 * number)
    ]
    return TABLE.batch(torch.stack(index))


def learner(seeds, updates=40, options=OPTIONS):
    models = []
    for seed in seeds:
        torch.manual_seed(seed)
        models.append(Cmt(config()))
    return CmtLearner(models, options, TABLE, Noise(generators(seeds, 100)), updates)


def test_the_loss_is_the_weighted_sum_of_its_parts():
    made = model()
    windows = TABLE.batch(torch.arange(8))
    other = TABLE.other_history(torch.arange(8), torch.full((8,), 0.5))
    hidden = torch.zeros(8, dtype=torch.bool)
    found = losses(made, windows, other, hidden, OPTIONS)
    parts = 5 * found["action"] + found["value"] + found["reward"] + found["change"]
    torch.testing.assert_close(found["total"], parts + 0.1 * found["contrast"])
    shown = windows.history.mask.any(1)  # the first step of the episode has no history
    assert shown.tolist() == [False] + [True] * 7
    prompts = made.encoder(windows.history)[shown]
    positive = made.encoder(other)[shown]
    expected = info_nce(prompts, positive, windows.episodes[shown], 0.1)
    torch.testing.assert_close(found["contrast"], expected)


def test_padding_of_windows_has_no_loss():
    """The last window of an episode has one step; its errors are that step's alone."""
    made, last = model(), TABLE.batch(torch.tensor([29]))
    assert last.mask.sum() == 1
    prompts = made.encoder(last.history)
    found = supervised(made, last, prompts)
    predicted = made.generator(prompts, last.states, last.actions, last.rewards)
    error = (predicted.actions[0, 0] - last.actions[0, 0]).square().mean()
    torch.testing.assert_close(found["action"], error)


def test_hidden_histories_are_the_empty_one():
    hidden = torch.tensor([True, False, True, False])
    found = model().encoder(hidden_histories(history(), hidden))
    empty, shown = model().encoder(history(valid=0)), model().encoder(history())
    assert torch.equal(found[hidden], empty[hidden])
    assert torch.equal(found[~hidden], shown[~hidden])


def test_a_seeds_bits_do_not_depend_on_the_others():
    alone, several = learner([1]), learner([0, 1, 2])
    for number in range(5):
        found = alone.update(batches([1], number))
        expected = several.update(batches([0, 1, 2], number))
        for name, loss in found.items():
            assert torch.equal(loss[0], expected[name][1]), name


def test_a_restored_learner_continues_with_the_same_bits():
    straight, stopped = learner([0, 1]), learner([0, 1])
    for number in range(4):
        straight.update(batches([0, 1], number))
        stopped.update(batches([0, 1], number))
    resumed = learner([5, 6])
    resumed.restore(stopped.state())
    for number in range(4, 8):
        expected = straight.update(batches([0, 1], number))
        found = resumed.update(batches([0, 1], number))
        assert all(torch.equal(found[name], loss) for name, loss in expected.items())


def test_all_losses_fall():
    learning = learner([0], updates=150)
    given = batches([0], 0, count=32)
    first = learning.update(given)
    for _ in range(148):
        learning.update(given)
    last = learning.update(given)
    for name in first:
        assert last[name] < 0.7 * first[name], name


def test_a_discount_of_one_has_no_scale_of_values():
    with pytest.raises(TrajpromptError, match="cmt.discount.*1.0.*less than 1"):
        parse_options(CmtOptions, {"discount": 1.0}, "cmt")


def test_the_learning_rate_rises_and_falls_to_zero():
    rates = [learning_rate_at(n, 10, OPTIONS) for n in range(11)]
    assert rates[:3] == pytest.approx([0.005, 0.01, 0.01])
    assert rates[6] == pytest.approx(0.01 * 0.5 * (1 + math.cos(math.pi / 2)))
    assert rates[10] == pytest.approx(0, abs=1e-9)


def test_a_large_gradient_is_clipped_and_a_small_one_is_not():
    """Adam's first moment is a tenth of the gradient after the first step."""
    for size, expected in ((5.0, 2.0), (0.5, 0.5)):
        vector = torch.zeros(4, requires_grad=True)
        vector.grad = torch.zeros(4)
        one = FlatAdamW(vector, 0.1)
        step(one, (vector * torch.tensor([0.6, 0.8, 0, 0]) * size).sum(), 0.1, clip=2.0)
        norm = one.moments[0].norm() * 10
        assert norm.item() == pytest.approx(expected, rel=1e-5)


def test_the_action_is_not_in_the_prompt():
    """Prompts are encoded from steps before the window, so its actions change nothing."""
    other = episodes((30, 40, 50, 20))
    other.actions[50:] = -other.actions[50:]
    changed = table(other)
    one, two = TABLE.batch(torch.tensor([50])), changed.batch(torch.tensor([50]))
    assert not torch.equal(one.actions, two.actions)
    assert one.history.mask.all() and one.history.mask.shape == (1, HISTORY)
    assert torch.equal(model().encoder(one.history), model().encoder(two.history))
    assert isinstance(one.history, History)
