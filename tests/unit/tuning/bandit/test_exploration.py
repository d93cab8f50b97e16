"""Exploration strategies on a menu, without a problem."""

import pytest
import torch

from trajprompt.tuning.bandit.exploration import (
    EXPLORERS,
    EpsilonGreedy,
    ExplorationSettings,
    Thompson,
    UpperConfidence,
)
from trajprompt.tuning.bandit.features import ArmFeatures
from trajprompt.tuning.bandit.reward_models import RewardModels
from trajprompt.tuning.bandit.spaces import JointSpace, Menu, SlotSpace

ROWS, SLOTS, INPUTS, COUNTS = 2, 3, 5, (12, 7)
NOTHING_PLAYED = torch.zeros(ROWS, 0, SLOTS, dtype=torch.long)


def generators(seed: int = 0, rows: int = ROWS) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(100 * seed + row) for row in range(rows)]


def make_features(counts=COUNTS) -> ArmFeatures:
    values = torch.zeros(len(counts), max(counts), INPUTS)
    for row, (count, generator) in enumerate(zip(counts, generators(1), strict=True)):
        values[row, :count] = torch.randn(count, INPUTS, generator=generator)
    return ArmFeatures(values, torch.tensor(counts))


def make_menu(counts=COUNTS) -> Menu:
    return SlotSpace(make_features(counts), SLOTS).menu(NOTHING_PLAYED, generators())


def make_models() -> RewardModels:
    return RewardModels.fresh(INPUTS, generators(2), per_generator=SLOTS)


def settings(scale: float = 1.0, rounds: int = 250) -> ExplorationSettings:
    return ExplorationSettings(rounds, scale, 1.0, *make_models().weights.shape)


def test_epsilon_falls_from_1_to_0_over_a_fifth_of_the_rounds():
    schedule = EpsilonGreedy(settings())
    found = [schedule.epsilon(number) for number in (0, 25, 49, 50, 51, 249)]
    assert found == pytest.approx([1.0, 0.5, 0.02, 0.0, 0.0, 0.0])


def test_epsilon_greedy_explores_all_slots_of_a_row_together():
    """At epsilon 0.5, each row explores independently with probability 0.5."""
    explorer, models, menu = EpsilonGreedy(settings()), make_models(), make_menu()
    best = menu.best(models.predict(menu.features)).view(ROWS, SLOTS)
    drawn = [explorer.pick(models, menu, 25, generators(seed)) for seed in range(400)]
    picked = torch.stack(drawn).view(-1, ROWS, SLOTS)
    off = picked != best  # (400, R, J)
    share = off.any(dim=2).float().mean(dim=0)
    assert torch.all((share - 0.5).abs() < 0.1)
    for row, count in enumerate(COUNTS):
        explored = off[off[:, row].any(dim=1), row].float()
        # One in A_r draws of a slot is the best arm by coincidence.
        assert (explored.mean() - (1 - 1 / count)).abs() < 0.06
    assert not torch.equal(off[:, 0].any(dim=1), off[:, 1].any(dim=1))
    assert torch.equal(explorer.pick(models, menu, 50, generators()), best.flatten())


def test_epsilon_greedy_draws_every_arm():
    explorer, models, menu = EpsilonGreedy(settings()), make_models(), make_menu()
    drawn = [explorer.pick(models, menu, 0, generators(seed)) for seed in range(300)]
    for slot, picked in enumerate(torch.stack(drawn).t()):
        assert set(picked.tolist()) == set(range(COUNTS[slot // SLOTS]))


def test_joint_epsilon_greedy_explores_uniformly_whatever_was_played():
    """The joint bandit explores only the new candidates, which are uniform draws."""
    space = JointSpace(make_features(), SLOTS, candidates=4)
    played = torch.zeros(ROWS, 60, SLOTS, dtype=torch.long)  # the same prompt throughout
    models = RewardModels.fresh(space.inputs, generators(2), per_generator=1)
    explorer = EpsilonGreedy(ExplorationSettings(250, 1.0, 1.0, *models.weights.shape))
    found = []
    for seed in range(600):
        row_generators = generators(seed)
        menu = space.menu(played, row_generators)
        pick = explorer.pick(models, menu, 0, row_generators)
        assert (pick < 4).all()
        found.append(menu.picked_arms(pick, ROWS))
    for arms, count in zip(torch.stack(found, dim=1), COUNTS, strict=True):  # (600, J)
        share = arms.flatten().bincount(minlength=count) / arms.numel()
        assert (share - 1 / count).abs().max() < 5 / (count * arms.numel()) ** 0.5


@pytest.mark.parametrize("name", EXPLORERS)
def test_padding_is_never_picked(name):
    """Not even if the models predict the highest value for it."""
    explorer, menu = EXPLORERS[name](settings(scale=10.0)), make_menu()
    features = menu.features.clone()
    features[~menu.real] = 100.0
    for seed in range(50):
        models = make_models()
        pick = explorer.pick(
            models, menu._replace(features=features), seed, generators(seed)
        )
        assert menu.real[torch.arange(len(pick)), pick].all()


def test_the_confidence_width_shrinks_for_played_arms():
    """The arms share no feature, so the weights of the first layer distinguish them."""
    apart = ArmFeatures(30 * torch.eye(INPUTS).expand(ROWS, -1, -1), torch.tensor([5, 5]))
    menu = SlotSpace(apart, SLOTS).menu(NOTHING_PLAYED, generators())
    explorer, models = UpperConfidence(settings()), make_models()
    before = explorer.deviations(models, menu)
    played = torch.tensor([3, 2, 4, 1, 0, 3])  # one arm per network
    for _ in range(20):
        explorer.learn(models, menu.features[torch.arange(len(played)), played])
    ratio = explorer.deviations(models, menu) / before
    assert (ratio <= 1).all()
    assert torch.equal(ratio.argmin(dim=1), played)
    assert (ratio.min(dim=1).values < 0.5).all()
    assert (ratio.mean(dim=1) > 2 * ratio.min(dim=1).values).all()


def test_the_initial_width_is_the_norm_of_the_gradient():
    explorer, models, menu = UpperConfidence(settings()), make_models(), make_menu()
    expected = models.gradient(menu.features[:, 4]).norm(dim=1)
    torch.testing.assert_close(explorer.deviations(models, menu)[:, 4], expected)


def test_ucb_adds_gamma_times_the_width():
    models, menu = make_models(), make_menu()
    greedy = UpperConfidence(settings(scale=1e-9)).pick(models, menu, 0, generators())
    assert torch.equal(greedy, menu.best(models.predict(menu.features)))
    bold = UpperConfidence(settings(scale=1e6))
    widest = menu.best(bold.deviations(models, menu))
    assert torch.equal(bold.pick(models, menu, 0, generators()), widest)


def test_thompson_draws_have_the_mean_and_deviation_of_the_model():
    """Each copy of an arm is one draw."""
    copies = 4000
    values = make_features().values[:, :1].expand(-1, copies, -1)
    arms = ArmFeatures(values, torch.tensor([copies] * ROWS))
    menu = SlotSpace(arms, SLOTS).menu(NOTHING_PLAYED, generators())
    explorer, models = Thompson(settings(scale=0.7)), make_models()
    mean = models.predict(menu.features)
    spread = 0.7 * explorer.deviations(models, menu)
    drawn = (explorer.draws(models, menu, generators(3)) - mean) / spread  # (G, copies)
    assert drawn.mean(dim=1).abs().max() < 0.08  # standard error 0.016
    assert (drawn.std(dim=1) - 1).abs().max() < 0.06  # standard error 0.011
    # Rows and slots draw independently.
    assert (torch.corrcoef(drawn) - torch.eye(ROWS * SLOTS)).abs().max() < 0.08


def test_draws_of_a_row_do_not_depend_on_the_arms_of_another():
    models = make_models()
    few, many = make_menu(), make_menu((30, 7))
    explorer = Thompson(settings())
    first = explorer.draws(models, few, generators())[SLOTS:, :7]
    second = explorer.draws(models, many, generators())[SLOTS:, :7]
    torch.testing.assert_close(first, second)


def test_a_state_restores_the_confidence():
    explorer, models, menu = Thompson(settings()), make_models(), make_menu()
    explorer.learn(models, menu.features[:, 0])
    other = Thompson(settings())
    other.restore({"seen": explorer.state()["seen"].numpy()})
    assert torch.equal(other.deviations(models, menu), explorer.deviations(models, menu))


def test_slots_share_arms_but_not_networks():
    arms = make_features()
    space, menu = SlotSpace(arms, SLOTS), make_menu()
    assert (space.networks, space.inputs) == (SLOTS, INPUTS)
    for network, features in enumerate(menu.features):
        assert torch.equal(features, arms.values[network // SLOTS])
    played = torch.tensor([[[0, 5, 11], [2, 2, 1]], [[6, 0, 3], [1, 4, 4]]])  # (R, n, J)
    features = space.features(played)  # (R * J, n, D)
    assert torch.equal(features[4, 1], arms.values[1, 4])  # row 1, slot 1, round 1
    assert torch.equal(menu.picked_arms(played[:, 1].flatten(), ROWS), played[:, 1])


def test_the_joint_menu_has_drawn_and_played_prompts():
    arms = make_features()
    space = JointSpace(arms, SLOTS, candidates=200)
    played = torch.tensor([[[0, 5, 11]], [[6, 0, 3]]])  # (R, 1, J)
    menu = space.menu(played, generators())
    assert menu.features.shape == (ROWS, 201, SLOTS * INPUTS)
    assert torch.equal(menu.arms[:, -1], played[:, 0])
    for row, count in enumerate(COUNTS):
        assert set(menu.arms[row].flatten().tolist()) == set(range(count))
    pick = torch.tensor([17, 200])
    chosen = menu.picked_arms(pick, ROWS)
    assert torch.equal(chosen[1], played[1, 0])
    for slot, arm in enumerate(chosen[0].tolist()):
        part = menu.features[0, 17].view(SLOTS, INPUTS)[slot]
        assert torch.equal(part, arms.values[0, arm])
