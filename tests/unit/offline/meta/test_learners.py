"""FOCAL and Batch PEARL: what trains what, time limits, bits, and a learning check."""

import pytest
import torch

from support.meta_problem import KINDS, meta_learner, task, tasks_of
from support.offline_problem import STATES, generators
from trajprompt.artifacts.checkpoint import Checkpoint
from trajprompt.offline.meta.context import TaskTable, context_of, draw
from trajprompt.offline.training import OfflineTraining

LAPTOP = {"width": 128, "encoder_width": 128, "batch": 128, "context": 64, "code": 5}


@pytest.mark.parametrize("options", [{}, {"literal": True}, LAPTOP])
@pytest.mark.parametrize("kind", KINDS)
def test_a_seeds_bits_do_not_depend_on_its_stack(kind, options):
    small, large = (meta_learner(kind, seeds, **options) for seeds in ([1], [0, 1, 2]))
    for number in range(3 if options is LAPTOP else 8):
        expected = large.update(tasks_of([0, 1, 2], number))
        for name, loss in small.update(tasks_of([1], number)).items():
            assert torch.equal(loss[0], expected[name][1]), (number, name)
    for name in ("actor", "encoder"):
        ours, theirs = (getattr(one, name).parameters() for one in (small, large))
        assert all(torch.equal(a[0], b[1]) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_a_restored_learner_continues_with_the_same_bits(kind):
    straight = meta_learner(kind, [0, 1])
    for number in range(5):
        straight.update(tasks_of([0, 1], number))
    resumed = meta_learner(kind, [5, 6])
    resumed.restore(straight.state())
    assert resumed.done == 5
    for number in range(5, 9):
        expected = straight.update(tasks_of([0, 1], number))
        found = resumed.update(tasks_of([0, 1], number))
        assert all(torch.equal(found[name], loss) for name, loss in expected.items())
    assert (straight.regulariser is None) == (kind == "batch-pearl")
    if straight.regulariser:
        assert torch.equal(straight.regulariser.alpha, resumed.regulariser.alpha)
        assert (straight.regulariser.alpha != straight.options.alpha).all()


@pytest.mark.parametrize("kind", KINDS)
def test_the_training_loop_takes_them_as_learners(kind):
    learner = meta_learner(kind, [0, 1])
    training = OfflineTraining(learner, learner.table, generators([0, 1]), 4, ["a", "b"])
    curves = training.run(4, 2, Checkpoint(), "test")
    assert [point["step"] for point in curves[1]] == [2.0, 4.0]
    assert "encoder_loss" in curves[0][0]


def encoders_after(kind, changed, **options):
    """Encoder parameters after two updates, with and without other rewards in targets."""
    found = []
    for values in ({}, changed):
        learner = meta_learner(kind, [0], **{**options, **values})
        for number in range(2):
            learner.update(tasks_of([0], number))
        found.append(learner.optimisers["encoder"].vector.clone())
    return found


def test_losses_of_values_and_policy_do_not_train_focals_encoder():
    """Its bits are the same whatever Q, V and the policy learn from."""
    same = {"reward_scale": 50.0, "learning_rate": 0.01, "alpha": 1.0}
    assert torch.equal(*encoders_after("focal", same))
    assert not torch.equal(*encoders_after("focal", {"encoder_rate": 0.01}))


def test_the_loss_of_q_trains_batch_pearls_encoder():
    assert not torch.equal(*encoders_after("batch-pearl", {"reward_scale": 50.0}))


def test_only_the_loss_of_q_and_the_prior_train_batch_pearls_encoder():
    """Without both, no gradient is left."""
    learner = meta_learner("batch-pearl", [0], bottleneck=0.0)
    with torch.no_grad():  # Q does not read the code
        learner.critic.network.layers[0].weight[:, STATES : STATES + 4].zero_()
    before = learner.optimisers["encoder"].vector.clone()
    learner.update(tasks_of([0], 0))
    assert torch.equal(learner.optimisers["encoder"].vector, before)


def constant_values(learner, value):
    """Give V, its target and both Q the ``value`` everywhere."""
    for network in (learner.value, learner.target_value, learner.critic.network):
        with torch.no_grad():
            network.layers[-1].weight.zero_()
            network.layers[-1].bias.fill_(value)


@pytest.mark.parametrize(
    "terminated, followed, literal, bootstraps",
    [
        (0.0, 1.0, False, True),
        (0.0, 0.0, False, True),  # a time limit
        (0.0, 0.0, True, False),
        (1.0, 0.0, False, False),
        (1.0, 0.0, True, False),
    ],
)
def test_a_time_limit_is_terminal_in_the_literal_form_only(
    terminated, followed, literal, bootstraps
):
    """V is 2 and rewards are 1, so the target is 3 · 1 + 0.5 · 2, or 3; Q is 2."""
    columns = {"rewards": 1.0, "terminations": terminated, "followed": followed}
    table = TaskTable.joined([task(0, 9, **columns)])
    learner = meta_learner(
        "focal",
        [0],
        table,
        literal=literal,
        discount=0.5,
        reward_scale=3.0,
        value_penalty=False,
    )
    constant_values(learner, 2.0)
    losses = learner.update(torch.zeros(1, 2, dtype=torch.long))
    target = 4.0 if bootstraps else 3.0
    torch.testing.assert_close(losses["critic"][0], torch.tensor(2 * (target - 2.0) ** 2))


@pytest.mark.parametrize(
    "literal, penalty, of_q, of_v", [(False, True, 0, 1), (True, True, 1, 0), (0, 0, 0, 0)]
)
def test_the_cost_of_divergence_belongs_to_v_or_in_the_literal_form_to_q(
    literal, penalty, of_q, of_v
):
    chosen = {"literal": bool(literal), "value_penalty": bool(penalty)}
    learner = meta_learner("focal", [0], **chosen)
    cost = torch.tensor([[1.5, -2.0]])
    found = learner._costs_of_targets(cost)
    assert torch.equal(found[0], of_q * cost) and torch.equal(found[1], of_v * cost)


def test_one_update_is_one_polyak_step():
    learner = meta_learner("focal", [0], target_rate=0.125)
    before = learner.averages["value"].clone()
    learner.update(tasks_of([0], 0))
    after = learner.optimisers["value"].vector.detach()
    expected = before + 0.125 * (after - before)
    torch.testing.assert_close(learner.averages["value"], expected)


def test_each_transition_has_the_code_of_its_own_task():
    learner = meta_learner("focal", [0])
    batch = draw(learner.table, tasks_of([0], 0), learner.noise, 6, 5, False)
    expected = learner.codes(batch.context).detach()
    found, _ = learner._update_encoder(batch)
    assert torch.equal(found.view(1, 4, 5, 4), expected[:, :, None].expand(1, 4, 5, 4))


FAST = {"width": 32, "encoder_width": 32, "context": 16, "batch": 32}
FAST |= {"learning_rate": 3e-3, "encoder_rate": 3e-3, "discriminator_rate": 1e-3}
FAST |= {"alpha": 0.05, "largest_alpha": 0.05}


@pytest.mark.parametrize("kind", KINDS)
def test_the_policy_is_better_with_its_own_tasks_context(kind):
    """One decision with a reward of the action in task 0, and of minus it in task 1.

    Other contexts than those of learning.
    """
    signs = (1.0, -1.0)

    def bandit(number, sign):
        ends = {"terminations": 1.0, "followed": 0.0}
        return task(number, 400, 1, 1, lambda _, actions: sign * actions[:, 0], **ends)

    learned, other = (
        TaskTable.joined([bandit(start + n, sign) for n, sign in enumerate(signs)])
        for start in (0, 10)
    )
    learner = meta_learner(kind, [0], learned, 1, 1, **FAST)
    for number in range(150):
        learner.update(tasks_of([0], number, of=2))
    places = torch.rand(1, 2, 16, generator=torch.Generator().manual_seed(0))
    codes = learner.codes(context_of(other.pick(torch.tensor([[0, 1]]), places), False))
    states = torch.linspace(-2, 2, 21).view(1, 21, 1)
    for task_number, sign in enumerate(signs):
        own, wrong = (
            (sign * learner.act(states, code.expand(1, 21, -1))).mean().item()
            for code in (codes[:, task_number], codes[:, 1 - task_number])
        )
        assert own > 0.4 and wrong < -0.4
