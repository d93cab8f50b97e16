"""The bandit on a synthetic problem whose optimum is known."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch

from support.bandit_problem import COUNTS, AdditiveOracle, H, make_bandit_problem
from support.stopping import Stopped, interrupt
from support.tuning_problem import ROWS
from trajprompt.adaptations.adaptation import Adaptation
from trajprompt.adaptations.read import read_adaptation
from trajprompt.adaptations.write import write_adaptation
from trajprompt.artifacts.checkpoint import Checkpoint
from trajprompt.errors import TrajpromptError
from trajprompt.settings.options import OptionError, build
from trajprompt.tuning.bandit.exploration import EXPLORERS
from trajprompt.tuning.methods.prompt_bandit import BanditOptions, PromptBandit, tune
from trajprompt.tuning.protocol import TuningProblem
from trajprompt.tuning.search import loop as search_loop

# Fewer and shorter refits than in the co-author's code keep the tests short.
QUICK = BanditOptions(episodes=60, records=3, refit_steps=60, warm_start=True)


NO_RESETS = np.zeros(())  # the oracle does not use them


def quick(**changed) -> BanditOptions:
    return dataclasses.replace(QUICK, **changed)


def play(
    monkeypatch, options: BanditOptions, epsilon: float = 0.0, slots: int = 2, **problem
) -> tuple[Adaptation, AdditiveOracle, TuningProblem]:
    made = make_bandit_problem(slots, **problem)
    oracle = AdditiveOracle(made, epsilon)
    monkeypatch.setattr(search_loop, "ReturnOracle", lambda *_: oracle)
    return tune(made, options), oracle, made


def chosen_arms(prompts) -> np.ndarray:
    """Return the indices (R, J) of the prompts' arms."""
    return prompts.timesteps[:, ::H].numpy()


def shortfall(oracle: AdditiveOracle, row: int, arms: np.ndarray) -> float:
    """Return best minus mean phi of a prompt, as a share of best minus worst."""
    phi = oracle.phi(row)
    best = phi.max(axis=1)
    found = phi[np.arange(len(phi)), arms]
    return float((best - found).mean() / (best - phi.min(axis=1)).mean())


@pytest.mark.parametrize("exploration", EXPLORERS)
def test_the_bandit_finds_the_best_arms(monkeypatch, exploration):
    options = quick(exploration=exploration, exploration_scale=1.0)
    found, oracle, problem = play(monkeypatch, options)
    for row, arms in enumerate(chosen_arms(found.last)):
        assert shortfall(oracle, row, arms) < 0.1
        value = oracle.value(row, arms)
        assert value > oracle.value(row, chosen_arms(problem.initial_prompts)[row])


def test_refits_from_the_initial_weights_find_the_best_arms_too(monkeypatch):
    options = quick(warm_start=False, refit_steps=200, episodes=40)
    found, oracle, _ = play(monkeypatch, options)
    for row, arms in enumerate(chosen_arms(found.last)):
        assert shortfall(oracle, row, arms) < 0.15


@pytest.mark.parametrize("changed", ({"features": "backbone"}, {"joint": True}))
def test_variants_learn(monkeypatch, changed):
    found, oracle, _ = play(monkeypatch, quick(**changed))
    for row, arms in enumerate(chosen_arms(found.last)):
        assert shortfall(oracle, row, arms) < 0.2


def best_of_all(oracle: AdditiveOracle, row: int) -> tuple[list[int], float]:
    """Return the arms of the best of a row's A^J prompts, and their value."""
    count = oracle.counts[row]
    product = np.array(list(itertools.product(range(count), repeat=oracle.slots)))
    values = oracle.value(row, product)
    return product[values.argmax()].tolist(), values.max()


def regrets(oracle: AdditiveOracle, arms: np.ndarray) -> np.ndarray:
    """Return the regrets (R, K) of every round, in which arms (R, K, J) were played."""
    rows = enumerate(arms)
    return np.stack([best_of_all(oracle, r)[1] - oracle.value(r, row) for r, row in rows])


def learns(regret: np.ndarray) -> bool:
    """Return True if the second half of regret (R, K) is below 2/3 of the first half.

    All rows count together, because the noise of one row is large in so few rounds. The
    lowest ratio of 1000 players that draw arms uniformly is 0.69.
    """
    first, second = (half.sum() for half in np.array_split(regret, 2, axis=1))
    return bool(second < 2 / 3 * first)


@pytest.mark.parametrize("epsilon", (0.0, 2.0))
def test_regret_is_bounded_by_the_regret_of_the_slots(monkeypatch, epsilon):
    """Regret(K) <= mean over slots of Regret_j(K) + 2 K epsilon (arXiv 2502.04979).

    This is a property of the rewards, for any play. The next test checks learning.
    """
    found, oracle, _ = play(monkeypatch, quick(), epsilon)
    arms, returns = found.extras["arms"].values, found.extras["episode_returns"].values
    regret = regrets(oracle, arms)
    for row in range(ROWS):
        assert returns[row] == pytest.approx(oracle.value(row, arms[row]))
        phi = oracle.phi(row)
        slots = [phi[j].max() - phi[j, arms[row, :, j]] for j in range(2)]
        rounds = np.arange(1, QUICK.episodes + 1)
        bound = np.mean(slots, axis=0).cumsum() + 2 * epsilon * rounds
        total = regret[row].cumsum()
        assert np.all(total <= bound + 1e-9)
        if epsilon == 0.0:
            assert total[-1] == pytest.approx(bound[-1])


@pytest.mark.parametrize("epsilon", (0.0, 2.0))
def test_regret_grows_sublinearly(monkeypatch, epsilon):
    found, oracle, _ = play(monkeypatch, quick(), epsilon)
    assert learns(regrets(oracle, found.extras["arms"].values))
    for seed in range(20):  # random players must fail
        rng = np.random.default_rng(seed)
        shape = (QUICK.episodes, oracle.slots)
        uniform = np.stack([rng.integers(count, size=shape) for count in COUNTS])
        assert not learns(regrets(oracle, uniform))


class TrueModels:
    """Fake reward models that predict phi exactly, in standardised units.

    The padding has the highest value.
    """

    def __init__(self, oracle: AdditiveOracle, returns: np.ndarray):
        most = max(oracle.counts)
        values = np.full((ROWS, oracle.slots, most), 1000.0)
        for row, past in enumerate(returns):
            phi = (oracle.phi(row) - past.mean()) / past.std()
            values[row, :, : oracle.counts[row]] = phi
        self.values = torch.from_numpy(values).float().flatten(0, 1)

    def predict(self, features: torch.Tensor) -> torch.Tensor:
        assert features.shape[:2] == self.values.shape
        return self.values


@pytest.mark.parametrize("slots", (2, 3))
def test_the_best_of_every_slot_is_the_best_of_all_prompts(slots):
    """It holds for additive rewards, once the models have learnt them."""
    problem = make_bandit_problem(slots)
    bandit, oracle = PromptBandit(problem, quick(episodes=6)), AdditiveOracle(problem)
    for _ in range(6):
        bandit.learn(oracle(bandit.propose(1), NO_RESETS).returns)
    bandit.models = TrueModels(oracle, bandit.returns)
    choice = bandit.choice()
    for row, arms in enumerate(chosen_arms(choice.prompts).tolist()):
        best, value = best_of_all(oracle, row)
        assert arms == best
        assert choice.values[row] == pytest.approx(value, rel=1e-4, abs=1e-4)


def test_before_two_observations_the_choice_is_the_initial_prompt():
    problem = make_bandit_problem()
    bandit, oracle = PromptBandit(problem, QUICK), AdditiveOracle(problem)
    for played in range(3):
        choice = bandit.choice()
        same = torch.equal(choice.prompts.states, problem.initial_prompts.states)
        assert same == (played < 2)
        assert np.isnan(choice.values).all() == (played < 2)
        bandit.learn(oracle(bandit.propose(1), NO_RESETS).returns)


@pytest.mark.parametrize("joint", (False, True))
def test_prompts_are_arms_one_after_the_other(joint):
    problem = make_bandit_problem(slots=4)
    bandit = PromptBandit(problem, quick(joint=joint))
    prompts = bandit.propose(1)
    assert prompts.leading == (ROWS, 1) and prompts.length == 4 * H
    for row, arms in enumerate(bandit.played[:, 0].tolist()):
        for slot, arm in enumerate(arms):
            steps = slice(slot * H, (slot + 1) * H)
            for found, source in zip(prompts, problem.arms[row], strict=True):
                assert torch.equal(found[row, 0, steps], source[arm])


def test_equal_returns_do_not_divide_by_zero():
    problem = make_bandit_problem()
    bandit = PromptBandit(problem, QUICK)
    for _ in range(4):
        bandit.propose(1)
        bandit.learn(np.full((ROWS, 1), -7.0))
    values = bandit.choice().values
    assert np.isfinite(values).all() and np.abs(values + 7).max() < 2


@pytest.mark.parametrize("exploration", EXPLORERS)
def test_rows_share_nothing(monkeypatch, exploration):
    """If the first row has more arms, the other rows play the same."""
    options = quick(episodes=12, exploration=exploration)
    plain, *_ = play(monkeypatch, options)
    other, *_ = play(monkeypatch, options, counts=(55, *COUNTS[1:]))
    first, second = (found.extras["arms"].values for found in (plain, other))
    assert not np.array_equal(first[0], second[0])
    assert np.array_equal(first[1:], second[1:])


@pytest.mark.parametrize(
    "changed", [*({"exploration": name} for name in EXPLORERS), {"joint": True}]
)
def test_a_resumed_bandit_writes_the_same_bytes(monkeypatch, tmp_path, changed):
    options = quick(episodes=9, **changed)
    uninterrupted, _, problem = play(monkeypatch, options)

    def work(checkpoint: Checkpoint) -> Adaptation:
        return tune(dataclasses.replace(problem, checkpoint=checkpoint), options)

    target = tmp_path / "tuned.h5"
    for at in (1, 5):
        interrupt(Stopped(target, at), work)
    resumed = work(Checkpoint(target, "test"))
    for name, adaptation in (("a.h5", uninterrupted), ("b.h5", resumed)):
        write_adaptation(tmp_path / name, problem, adaptation, {"suite": "cheetah-vel"})
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_the_file_contains_the_played_arms(monkeypatch, tmp_path):
    found, _, problem = play(monkeypatch, quick(episodes=5))
    write_adaptation(tmp_path / "a.h5", problem, found, {"suite": "cheetah-vel"})
    stored = read_adaptation(tmp_path / "a.h5")
    arms = stored.extras["arms"].values
    assert arms.shape == (ROWS, 5, 2)
    assert (arms >= 0).all() and (arms < np.array(COUNTS)[:, None, None]).all()
    assert stored.extras["episode_returns"].values.shape == (ROWS, 5)


def test_prompts_must_have_the_length_of_their_segments():
    problem = make_bandit_problem()
    cut = problem.initial_prompts.map(lambda part: part[:, :-1])
    with pytest.raises(TrajpromptError, match="2 segments of 3 steps"):
        PromptBandit(dataclasses.replace(problem, initial_prompts=cut), QUICK)
    with pytest.raises(TrajpromptError, match="reads_arms"):
        PromptBandit(dataclasses.replace(problem, arms=None), QUICK)


@pytest.mark.parametrize(
    "changed",
    [{"exploration": "greedy"}, {"features": "psi"}, {"refit_steps": 0}]
    + [{"exploration_scale": 0.0}, {"regulariser": -1.0}, {"joint_candidates": 0}],
)
def test_wrong_options_are_refused(changed):
    with pytest.raises(OptionError, match=next(iter(changed))):
        build((BanditOptions,), changed)
