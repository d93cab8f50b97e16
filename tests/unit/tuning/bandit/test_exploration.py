"""Exploration on a menu of its own, without a problem."""

import pytest
import torch

from trajprompt.tuning.bandit.exploration import (
    EXPLORERS,
    EpsilonGreedy,
    Exploring,
    Thompson,
    UpperConfidence,
)
from trajprompt.tuning.bandit.features import ArmFeatures
from trajprompt.tuning.bandit.reward_models import RewardModels
from trajprompt.tuning.bandit.spaces import JointSpace, Menu, SlotSpace

ROWS, SLOTS, INPUTS, COUNTS = 2, 3, 5, (12, 7)
NOTHING = torch.zeros(ROWS, 0, SLOTS, dtype=torch.long)  # played


def rng(seed: int = 0, rows: int = ROWS) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(100 * seed + row) for row in range(rows)]


def make_features(counts=COUNTS) -> ArmFeatures:
    values = torch.zeros(len(counts), max(counts), INPUTS)
    for row, (count, own) in enumerate(zip(counts, rng(1), strict=True)):
        values[row, :count] = torch.randn(count, INPUTS, generator=own)
    return ArmFeatures(values, torch.tensor(counts))


def make_menu(counts=COUNTS) -> Menu:
    return SlotSpace(make_features(counts), SLOTS).menu(NOTHING, rng())


def make_models() -> RewardModels:
    return RewardModels.fresh(INPUTS, rng(2), each=SLOTS)


def exploring(scale: float = 1.0, rounds: int = 250) -> Exploring:
    return Exploring(rounds, scale, 1.0, *make_models().weights.shape)


def test_epsilon_falls_from_1_to_0_over_a_fifth_of_the_rounds():
    schedule = EpsilonGreedy(exploring())
    found = [schedule.epsilon(number) for number in (0, 25, 49, 50, 51, 249)]
    assert found == pytest.approx([1.0, 0.5, 0.02, 0.0, 0.0, 0.0])


def test_epsilon_greedy_explores_all_slots_of_a_row_together():
    """Half way down, rows explore half of the time, each on its own."""
    explorer, models, menu = EpsilonGreedy(exploring()), make_models(), make_menu()
    best = menu.best(models.predict(menu.features)).view(ROWS, SLOTS)
    drawn = [explorer.pick(models, menu, 25, rng(seed)) for seed in range(400)]
    picked = torch.stack(drawn).view(-1, ROWS, SLOTS)
    off = picked != best  # (400, R, J)
    share = off.any(dim=2).float().mean(dim=0)
    assert torch.all((share - 0.5).abs() < 0.1)
    for row, count in enumerate(COUNTS):
        explored = off[off[:, row].any(dim=1), row].float()
        # One of a slot's draws in A_r is the best arm by rng.
        assert (explored.mean() - (1 - 1 / count)).abs() < 0.06
    assert not torch.equal(off[:, 0].any(dim=1), off[:, 1].any(dim=1))
    assert torch.equal(explorer.pick(models, menu, 50, rng()), best.flatten())


def test_epsilon_greedy_draws_every_arm():
    explorer, models, menu = EpsilonGreedy(exploring()), make_models(), make_menu()
    drawn = [explorer.pick(models, menu, 0, rng(seed)) for seed in range(300)]
    for slot, picked in enumerate(torch.stack(drawn).t()):
        assert set(picked.tolist()) == set(range(COUNTS[slot // SLOTS]))


def test_epsilon_greedy_explores_all_prompts_alike_whatever_was_played():
    """In the joint bandit it draws among new candidates, of which each is uniform."""
    space = JointSpace(make_features(), SLOTS, candidates=4)
    played = torch.zeros(ROWS, 60, SLOTS, dtype=torch.long)  # the same prompt throughout
    models = RewardModels.fresh(space.inputs, rng(2), each=1)
    explorer = EpsilonGreedy(Exploring(250, 1.0, 1.0, *models.weights.shape))
    found = []
    for seed in range(600):
        own = rng(seed)
        menu = space.menu(played, own)
        pick = explorer.pick(models, menu, 0, own)
        assert (pick < 4).all()
        found.append(menu.of(pick, ROWS))
    for arms, count in zip(torch.stack(found, dim=1), COUNTS, strict=True):  # (600, J)
        share = arms.flatten().bincount(minlength=count) / arms.numel()
        assert (share - 1 / count).abs().max() < 5 / (count * arms.numel()) ** 0.5


@pytest.mark.parametrize("name", EXPLORERS)
def test_only_arms_that_exist_are_picked(name):
    """Even if the models like the padding best."""
    explorer, menu = EXPLORERS[name](exploring(scale=10.0)), make_menu()
    features = menu.features.clone()
    features[~menu.real] = 100.0
    for seed in range(50):
        models = make_models()
        pick = explorer.pick(models, menu._replace(features=features), seed, rng(seed))
        assert menu.real[torch.arange(len(pick)), pick].all()


def test_the_confidence_width_shrinks_where_an_arm_was_seen():
    """Arms that share no feature: the first layer's weights tell them apart."""
    apart = ArmFeatures(30 * torch.eye(INPUTS).expand(ROWS, -1, -1), torch.tensor([5, 5]))
    menu = SlotSpace(apart, SLOTS).menu(NOTHING, rng())
    explorer, models = UpperConfidence(exploring()), make_models()
    before = explorer.deviations(models, menu)
    seen = torch.tensor([3, 2, 4, 1, 0, 3])  # one arm per network
    for _ in range(20):
        explorer.learn(models, menu.features[torch.arange(len(seen)), seen])
    ratio = explorer.deviations(models, menu) / before
    assert (ratio <= 1).all()
    assert torch.equal(ratio.argmin(dim=1), seen)
    assert (ratio.min(dim=1).values < 0.5).all()
    assert (ratio.mean(dim=1) > 2 * ratio.min(dim=1).values).all()


def test_at_first_the_width_is_the_length_of_the_gradient():
    explorer, models, menu = UpperConfidence(exploring()), make_models(), make_menu()
    expected = models.gradient(menu.features[:, 4]).norm(dim=1)
    torch.testing.assert_close(explorer.deviations(models, menu)[:, 4], expected)


def test_ucb_adds_gamma_times_the_width():
    models, menu = make_models(), make_menu()
    greedy = UpperConfidence(exploring(scale=1e-9)).pick(models, menu, 0, rng())
    assert torch.equal(greedy, menu.best(models.predict(menu.features)))
    bold = UpperConfidence(exploring(scale=1e6))
    widest = menu.best(bold.deviations(models, menu))
    assert torch.equal(bold.pick(models, menu, 0, rng()), widest)


def test_thompson_draws_have_the_mean_and_deviation_of_the_model():
    """Many copies of an arm are as many draws."""
    copies = 4000
    values = make_features().values[:, :1].expand(-1, copies, -1)
    arms = ArmFeatures(values, torch.tensor([copies] * ROWS))
    menu = SlotSpace(arms, SLOTS).menu(NOTHING, rng())
    explorer, models = Thompson(exploring(scale=0.7)), make_models()
    mean = models.predict(menu.features)
    spread = 0.7 * explorer.deviations(models, menu)
    drawn = (explorer.draws(models, menu, rng(3)) - mean) / spread  # (G, copies)
    assert drawn.mean(dim=1).abs().max() < 0.08  # a deviation of 0.016
    assert (drawn.std(dim=1) - 1).abs().max() < 0.06  # 0.011
    # Rows and slots draw on their own.
    assert (torch.corrcoef(drawn) - torch.eye(ROWS * SLOTS)).abs().max() < 0.08


def test_a_row_draws_alike_whatever_arms_another_has():
    models = make_models()
    few, many = make_menu(), make_menu((30, 7))
    explorer = Thompson(exploring())
    first = explorer.draws(models, few, rng())[SLOTS:, :7]
    second = explorer.draws(models, many, rng())[SLOTS:, :7]
    torch.testing.assert_close(first, second)


def test_a_state_restores_what_was_seen():
    explorer, models, menu = Thompson(exploring()), make_models(), make_menu()
    explorer.learn(models, menu.features[:, 0])
    other = Thompson(exploring())
    other.restore({"seen": explorer.state()["seen"].numpy()})
    assert torch.equal(other.deviations(models, menu), explorer.deviations(models, menu))


def test_slots_read_the_same_arms_each_with_its_own_network():
    arms = make_features()
    space, menu = SlotSpace(arms, SLOTS), make_menu()
    assert (space.networks, space.inputs) == (SLOTS, INPUTS)
    for network, features in enumerate(menu.features):
        assert torch.equal(features, arms.values[network // SLOTS])
    played = torch.tensor([[[0, 5, 11], [2, 2, 1]], [[6, 0, 3], [1, 4, 4]]])  # (R, n, J)
    seen = space.features(played)  # (R * J, n, D)
    assert torch.equal(seen[4, 1], arms.values[1, 4])  # row 1, slot 1, round 1
    assert torch.equal(menu.of(played[:, 1].flatten(), ROWS), played[:, 1])


def test_the_joint_menu_has_drawn_prompts_and_those_played():
    arms = make_features()
    space = JointSpace(arms, SLOTS, candidates=200)
    played = torch.tensor([[[0, 5, 11]], [[6, 0, 3]]])  # (R, 1, J)
    menu = space.menu(played, rng())
    assert menu.features.shape == (ROWS, 201, SLOTS * INPUTS)
    assert torch.equal(menu.arms[:, -1], played[:, 0])
    for row, count in enumerate(COUNTS):
        assert set(menu.arms[row].flatten().tolist()) == set(range(count))
    pick = torch.tensor([17, 200])
    chosen = menu.of(pick, ROWS)
    assert torch.equal(chosen[1], played[1, 0])
    for slot, arm in enumerate(chosen[0].tolist()):
        part = menu.features[0, 17].view(SLOTS, INPUTS)[slot]
        assert torch.equal(part, arms.values[0, arm])
