"""What the controls choose, on fakes whose best prompt is known."""

import dataclasses

import numpy as np
import pytest
import torch

from support.fake_oracle import bowl, fake
from support.tuning_problem import ACTION, PROMPT, ROWS, STATE, make_problem, segments
from trajprompt.adaptations.adaptation import Adaptation
from trajprompt.errors import TrajpromptError
from trajprompt.tuning.methods.cma_es import CmaEs, CmaEsOptions, strategy
from trajprompt.tuning.methods.hill_climbing import HillClimbingOptions
from trajprompt.tuning.methods.hill_climbing import tune as climb
from trajprompt.tuning.methods.two_point import (
    TwoPoint,
    TwoPointOptions,
    two_point_gradient,
)
from trajprompt.tuning.methods.zo_rank_line_search import LineSearch, LineSearchOptions
from trajprompt.tuning.methods.zo_rank_search import RankSearch, RankSearchOptions
from trajprompt.tuning.prompt_vectors import to_vectors
from trajprompt.tuning.protocol import TuningProblem
from trajprompt.tuning.registry import get_method
from trajprompt.tuning.search.segment_draws import SegmentDraws

MOVING = [
    "gaussian-search",
    "hill-climbing",
    "cma-es",
    "two-point",
    "zo-rank-search",
    "zo-rank-line-search",
]
BELIEVING = ["best-of-n", "gaussian-search", "hill-climbing"]  # the best so far
SIZE = PROMPT * (1 + STATE + ACTION)


@pytest.fixture
def problem() -> TuningProblem:
    return make_problem()


def run(name: str, problem: TuningProblem, **options) -> Adaptation:
    method = get_method(name)
    return method.tune(problem, method.options(**options))


def first_state(vectors: torch.Tensor) -> torch.Tensor:
    """A table of values: every arm has its own first number of the first state."""
    return vectors[..., 1]


@pytest.mark.parametrize("name", MOVING)
def test_improves_in_the_published_budget(name, problem, monkeypatch):
    earn = bowl(problem)
    fake(monkeypatch, earn)
    adaptation = run(name, problem)
    returns = [earn(to_vectors(p).double().unsqueeze(1)) for p in adaptation.curve.values()]
    assert (returns[-1] > returns[0] + 3).all()  # of 54 to gain
    assert torch.equal(adaptation.last.timesteps, problem.initial_prompts.timesteps)
    assert adaptation.parameters == SIZE


@pytest.mark.parametrize("name", BELIEVING)
def test_believes_the_luckiest_episode(name, problem, monkeypatch):
    """The value is the highest return seen, however little the prompt had to do with it."""
    chance = torch.Generator().manual_seed(0)

    def noise(vectors: torch.Tensor) -> torch.Tensor:
        return torch.randn(vectors.shape[:-1], generator=chance).double()

    played = fake(monkeypatch, noise)
    adaptation = run(name, problem, episodes=40, records=4, candidates=5)
    returns = np.concatenate(played.returns, axis=1)
    believed = adaptation.extras["selection_values"].values
    for record in range(1, 5):
        highest = returns[:, : 10 * record].max(axis=1)
        np.testing.assert_array_equal(believed[:, record], highest)
    asked = torch.cat(played.asked, dim=1)  # (R, 40, d)
    chosen = asked[torch.arange(ROWS), torch.from_numpy(returns.argmax(axis=1))]
    torch.testing.assert_close(to_vectors(adaptation.last), chosen)


def test_best_of_n_finds_the_best_arm(problem, monkeypatch):
    fake(monkeypatch, first_state)
    adaptation = run("best-of-n", problem)
    for row, arms in enumerate(problem.arms):
        best = arms.select(int(arms.states[:, 0, 0].argmax()))
        for found, expected in zip(adaptation.last.select(row), best, strict=True):
            assert torch.equal(found, expected)


def test_random_segments_learns_nothing_and_plays_what_best_of_n_plays(
    problem, monkeypatch
):
    played = fake(monkeypatch, first_state)
    adaptation = run("random-segments", problem, episodes=30)
    same = fake(monkeypatch, first_state)
    run("best-of-n", problem, episodes=30)
    for own, other in zip(played.asked, same.asked, strict=True):
        assert torch.equal(own, other)
    assert torch.equal(to_vectors(adaptation.last), played.asked[-1][:, -1])
    assert np.isnan(adaptation.extras["selection_values"].values).all()


def test_draws_are_uniform_among_each_rows_own_arms(problem):
    drawn = SegmentDraws(problem).draw(3000)
    assert drawn.leading == (ROWS, 3000)
    for row, arms in enumerate(problem.arms):
        same = drawn.states[row, :, None] == arms.states  # (n, A, H, S)
        counts = same.all(dim=(-1, -2)).sum(dim=0)
        assert counts.sum() == 3000
        share = 3000 / arms.leading[0]
        assert ((counts - share).abs() < 5 * share**0.5).all()


def test_slots_are_drawn_on_their_own_and_stand_one_behind_the_other(problem):
    arms = [segments(5, length=3, seed=40 + row) for row in range(ROWS)]
    arms = [own._replace(timesteps=own.timesteps + 7) for own in arms]
    start = segments(ROWS, length=6, seed=50)
    halves = dataclasses.replace(
        problem, arms=arms, prompt_segments=2, initial_prompts=start
    )
    drawn = SegmentDraws(halves).draw(400)
    assert drawn.leading == (ROWS, 400) and drawn.length == 6
    assert drawn.timesteps[0, 0].tolist() == [7, 8, 9, 7, 8, 9]
    slots = drawn.states[0].unflatten(1, (2, 3))  # (n, J, H, S)
    places = (slots[:, :, None] == arms[0].states).all(dim=(-1, -2)).int().argmax(dim=-1)
    assert len({tuple(pair) for pair in places.tolist()}) == 25
    again = arms[0].select(places).join()
    assert all(torch.equal(a, b[0]) for a, b in zip(again, drawn, strict=True))


@pytest.mark.parametrize("name", ["random-segments", "best-of-n"])
def test_arms_are_needed(name, problem):
    with pytest.raises(TrajpromptError, match="reads_arms"):
        run(name, dataclasses.replace(problem, arms=None))


@pytest.mark.parametrize("name", ["gaussian-search", "hill-climbing"])
def test_the_initial_prompt_is_the_first_candidate(name, problem, monkeypatch):
    played = fake(monkeypatch, bowl(problem, offset=0.0))
    adaptation = run(name, problem, episodes=20, candidates=2)
    start = to_vectors(problem.initial_prompts)
    asked = torch.cat(played.asked, dim=1)
    assert torch.equal(asked[:, 0], start)
    assert not torch.equal(asked[:, 2], start)
    assert torch.equal(to_vectors(adaptation.last), start), "none is better"


def test_gaussian_search_steps_from_the_start_and_hill_climbing_from_the_best(
    problem, monkeypatch
):
    start, far = to_vectors(problem.initial_prompts), {}
    for name in ("gaussian-search", "hill-climbing"):
        played = fake(monkeypatch, bowl(problem))
        run(name, problem, episodes=200, candidates=1, smoothing=0.1)
        far[name] = (played.asked[-1][:, 0] - start).norm(dim=1)
    step = 0.1 * SIZE**0.5
    assert ((far["gaussian-search"] - step).abs() < 0.3 * step).all()
    assert (far["hill-climbing"] > 2 * step).all()


def test_equal_returns_keep_the_earlier_prompt(problem, monkeypatch):
    fake(monkeypatch, lambda vectors: torch.zeros(vectors.shape[:-1]).double())
    adaptation = climb(problem, HillClimbingOptions(episodes=9))
    assert torch.equal(to_vectors(adaptation.last), to_vectors(problem.initial_prompts))
    assert (adaptation.extras["selection_values"].values[:, 1:] == 0).all()


def test_two_point_gradient_by_hand():
    noise = torch.eye(2).unsqueeze(0)  # two pairs along two axes
    returns = torch.tensor([[[3.0, 1.0], [1.0, 3.0]]]).double()  # deviation 1
    expected = torch.tensor([[1.0, -1.0]])
    torch.testing.assert_close(two_point_gradient(noise, returns), expected)
    scaled = two_point_gradient(noise, 100 * returns - 7)
    torch.testing.assert_close(scaled, expected)
    assert (two_point_gradient(noise, returns * 0) == 0).all()
    uneven = torch.tensor([[[3.0, 1.0], [1.0, 0.0]]]).double()
    by_value, by_exp = (two_point_gradient(noise, r)[0] for r in (uneven, uneven.exp()))
    assert by_value[0] / by_value[1] == pytest.approx(2.0)
    assert by_exp[0] / by_exp[1] > 3, "values count, not ranks"


def test_two_point_gradient_of_a_linear_function():
    """E = 2 v for a unit gradient v: half a round's returns lie on either side."""
    noise = torch.randn(4000, 20, 3, generator=torch.Generator().manual_seed(0))
    values = noise[..., 0].double()
    found = two_point_gradient(noise, torch.stack([values, -values], dim=-1)).mean(dim=0)
    torch.testing.assert_close(found, torch.tensor([2.0, 0.0, 0.0]), atol=0.06, rtol=0)


def test_two_point_ignores_an_odd_last_candidate(problem):
    options = TwoPointOptions(pairs=2)
    even, odd = TwoPoint(problem, options), TwoPoint(problem, options)
    returns = np.random.default_rng(0).normal(size=(ROWS, 3))
    odd.propose(3)
    odd.learn(returns)
    noise = TwoPoint(problem, options).directions.draw(2)
    even.noise = noise[:, :1]
    even.learn(returns[:, :2])
    assert torch.equal(odd.position, even.position)
    before = odd.position
    odd.propose(1)
    odd.learn(returns[:, :1])
    assert odd.position is before


@pytest.mark.parametrize("name", ["zo-rank-search", "zo-rank-line-search"])
@pytest.mark.parametrize(
    "transform", [lambda x: (x / 20).exp(), lambda x: x**3, lambda x: 5 * x - 900]
)
def test_whole_rank_search_is_invariant_to_monotone_transforms(
    name, transform, problem, monkeypatch
):
    earn = bowl(problem)
    fake(monkeypatch, earn)
    plain = run(name, problem, episodes=100)
    fake(monkeypatch, lambda vectors: transform(earn(vectors)))
    other = run(name, problem, episodes=100)
    for record, prompts in plain.curve.items():
        assert torch.equal(to_vectors(prompts), to_vectors(other.curve[record]))


def test_rank_search_is_the_estimator_and_a_step(problem):
    options = RankSearchOptions(candidates=2, ranked=2, step_size=0.5, smoothing=0.1)
    one = RankSearch(problem, options)
    start = one.position
    asked = to_vectors(one.propose(2))
    one.learn(np.array([[1.0, 0.0]] * ROWS))  # E has one edge: the first is better
    step = 0.5 * (asked[:, 0] - asked[:, 1]) / 0.1
    torch.testing.assert_close(one.position - start, step, atol=1e-4, rtol=1e-4)
    one.propose(1)
    before = one.position
    one.learn(np.zeros((ROWS, 1)))
    assert one.position is before, "one alone has no rank"


def play(one: LineSearch, earn, count: int) -> torch.Tensor:
    """A round; its candidates (R, count, d)."""
    asked = to_vectors(one.propose(count))
    one.learn(earn(asked.double()).numpy())
    return asked


def test_line_search_asks_the_iterate_the_best_query_and_the_line(problem):
    one = LineSearch(problem, LineSearchOptions(candidates=5, ranked=5, step_size=2.0))
    start, earn = one.position, bowl(problem)
    asked = play(one, earn, 5)
    best = earn(asked.double()).argmax(dim=1)
    line = play(one, earn, 5)
    assert torch.equal(line[:, 0], start)
    assert torch.equal(line[:, 1], asked[torch.arange(ROWS), best])
    for number, step in enumerate((2.0, 1.0, 0.5)):
        torch.testing.assert_close(line[:, 2 + number], start + step * one.line)
    returns = earn(line.double())
    winner = line[torch.arange(ROWS), returns.argmax(dim=1)]
    assert torch.equal(one.position, winner)
    np.testing.assert_array_equal(one.choice().values, returns.amax(dim=1).numpy())
    assert (one.averaged == 0).all(), "the next direction is alone"


def test_line_search_that_finds_nothing_stays_and_averages_directions(problem):
    one = LineSearch(problem, LineSearchOptions(candidates=4, ranked=4))
    earn, directions = bowl(problem, offset=0.0), []
    for _ in range(3):
        play(one, earn, 4)
        fresh = one.line * one.averaged[:, None] - sum(directions, torch.zeros(()))
        directions.append(fresh)
        play(one, earn, 4)
        assert torch.equal(one.position, to_vectors(problem.initial_prompts))
    assert one.averaged.tolist() == [3.0] * ROWS
    mean = torch.stack(directions).mean(dim=0)
    torch.testing.assert_close(one.line, mean, rtol=1e-4, atol=1e-4)
    sizes = torch.stack(directions).norm(dim=-1)
    assert (sizes > 1).all() and (one.line.norm(dim=-1) < sizes.mean(dim=0)).all()
    assert (one.choice().values == 0).all()


def test_cma_es_is_pycmas_with_every_rows_own_chance(problem, monkeypatch):
    earn = bowl(problem)
    fake(monkeypatch, earn)
    options = CmaEsOptions(episodes=36, population=12)
    adaptation = get_method("cma-es").tune(problem, options)
    streams = problem.streams(2)[1].spawn(ROWS)
    start = to_vectors(problem.initial_prompts).numpy().astype(np.float64)
    for row in range(ROWS):
        own = strategy(start[row], options, streams[row])
        for _ in range(3):
            asked = own.ask()
            points = torch.from_numpy(np.array(asked)).float().double()
            costs = -earn(points.expand(ROWS, -1, -1))[row]
            own.tell(asked, costs.tolist())
        found = to_vectors(adaptation.last)[row].numpy()
        np.testing.assert_allclose(found, own.mean, rtol=1e-6, atol=1e-6)


def test_cma_es_neither_reads_nor_moves_numpys_global_chance(problem, monkeypatch):
    fake(monkeypatch, bowl(problem))
    found = []
    for seed in (1, 2):
        np.random.seed(seed)
        before = np.random.get_state()[1].copy()
        found.append(run("cma-es", problem, episodes=24, population=8).last.states)
        assert (np.random.get_state()[1] == before).all()
    assert torch.equal(*found)


def test_cma_es_does_not_learn_from_part_of_a_generation(problem, monkeypatch):
    fake(monkeypatch, bowl(problem))
    whole = run("cma-es", problem, episodes=16, population=8)
    more = run("cma-es", problem, episodes=21, population=8)
    assert torch.equal(whole.last.states, more.last.states)


@pytest.mark.parametrize("diagonal", [False, True])
def test_cma_es_is_replayed_to_the_same_candidates(problem, diagonal):
    options, earn = CmaEsOptions(population=8, diagonal=diagonal), bowl(problem)
    one, other = CmaEs(problem, options), CmaEs(problem, options)
    assert one.state()["told"].shape == (0, ROWS, 8)
    for _ in range(4):
        one.learn(earn(to_vectors(one.propose(8)).double()).numpy())
    other.restore(one.state())
    for own, again in zip(one.propose(8), other.propose(8), strict=True):
        assert torch.equal(own, again)
    assert torch.equal(one.choice().prompts.states, other.choice().prompts.states)
