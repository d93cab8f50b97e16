"""The collect stage: stacked agents, relabelling, the canonical heading, the loop."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from trajprompt.collect import algorithms
from trajprompt.collect.canonical import Canonical
from trajprompt.collect.curve import check_learned, first_and_last, learning_curve
from trajprompt.collect.goal_conditioned import GoalConditioned
from trajprompt.collect.loop import schedule
from trajprompt.collect.networks import StackedMLP, flatten_parameters
from trajprompt.collect.options import LoopOptions, SacOptions, Td3Options
from trajprompt.collect.perspective import Transition
from trajprompt.collect.replay import Batch, ReplayBuffer
from trajprompt.collect.sac import SAC, squash
from trajprompt.collect.td3 import TD3
from trajprompt.commands.collect import run
from trajprompt.errors import TrajpromptError
from trajprompt.numerics.flat_adamw import FlatAdamW
from trajprompt.settings.options import parse_together
from trajprompt.settings.stages import CollectSettings
from trajprompt.tasks import registry
from trajprompt.tasks.ant import rename_legs, turn
from trajprompt.tasks.registry import get_suite, make_simulator
from trajprompt.tasks.simulator import Step
from trajprompt.trajectories.store import read_trajectories

HORIZON = 10


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def random_batch(stack: int, size: int = 16, seed: int = 3) -> Batch:
    g = generator(seed)
    died = (torch.rand(stack, size, generator=g) < 0.3).float()
    return Batch(
        torch.randn(stack, size, 5, generator=g),
        torch.rand(stack, size, 2, generator=g) * 2 - 1,
        torch.randn(stack, size, generator=g),
        torch.randn(stack, size, 5, generator=g),
        died,
    )


def separate(stack: StackedMLP, member: int) -> nn.Sequential:
    """An ordinary torch network with the weights of one member."""
    parts: list[nn.Module] = []
    for layer in stack.layers:
        plain = nn.Linear(layer.weight.shape[1], layer.weight.shape[2])
        plain.weight.data = layer.weight.data[member].T.clone()
        plain.bias.data = layer.bias.data[member, 0].clone()
        parts += [
            plain,
            nn.LayerNorm(plain.out_features, elementwise_affine=False),
            nn.ReLU(),
        ]
    kept = parts[:-2] if stack.layer_norm else [p for p in parts if _plain(p)][:-1]
    return nn.Sequential(*kept)


def _plain(part: nn.Module) -> bool:
    return not isinstance(part, nn.LayerNorm)


@pytest.mark.parametrize("layer_norm", [False, True])
def test_a_stack_equals_separate_networks_before_and_after_learning(layer_norm):
    stack = StackedMLP(3, (5, 8, 8, 2), generator(), layer_norm)
    singles = [separate(stack, member) for member in range(3)]
    vector = flatten_parameters(stack)
    optimiser = FlatAdamW(vector, 1e-2)
    single_optimisers = [torch.optim.Adam(net.parameters(), lr=1e-2) for net in singles]
    for round_ in range(3):
        x = torch.randn(3, 4, 5, generator=generator(round_))
        optimiser.minimise(stack(x).square().mean((1, 2)).sum())
        for member, (net, single) in enumerate(
            zip(singles, single_optimisers, strict=True)
        ):
            single.zero_grad()
            net(x[member]).square().mean().backward()
            single.step()
    expected = torch.stack([net(x[member]) for member, net in enumerate(singles)])
    torch.testing.assert_close(stack(x), expected, rtol=1e-4, atol=1e-6)


def test_frozen_networks_pass_gradients_to_inputs_only():
    stack = StackedMLP(1, (3, 4, 1), generator())
    vector = flatten_parameters(stack)
    x = torch.randn(1, 32, 3, generator=generator(), requires_grad=True)
    stack(x, frozen=True).sum().backward()
    assert x.grad is not None and x.grad.abs().sum() > 0
    assert vector.grad is not None and vector.grad.abs().sum() == 0


def test_log_density_of_squashed_gaussian_is_that_of_torch_distributions():
    g = generator()
    mean = torch.randn(4, 6, generator=g, dtype=torch.float64)
    log_std = torch.randn(4, 6, generator=g, dtype=torch.float64) * 0.5
    noise = torch.randn(4, 6, generator=g, dtype=torch.float64)
    actions, density = squash(mean, log_std, noise)
    normal = torch.distributions.Normal(mean, log_std.exp())
    squashed = torch.distributions.TransformedDistribution(
        normal, torch.distributions.transforms.TanhTransform(cache_size=0)
    )
    torch.testing.assert_close(density, squashed.log_prob(actions).sum(-1))


def test_sac_temperature_gradient_is_that_of_autograd():
    options = SacOptions(width=8, batch=16, initial_temperature=0.3)
    agent = SAC(2, 5, 2, options, "cpu", generator(), generator(1))
    batch = random_batch(2)
    _, log_probs = agent._sample(batch.features)
    log_temperature = agent.log_temperature.clone().requires_grad_(True)
    loss = -(log_temperature.exp() * (log_probs.detach() - 2.0)).mean(-1).sum()
    agent.noise.manual_seed(1)  # the same noise again
    agent._update_actor(batch.features, agent.log_temperature.exp())
    # target entropy is -2: entropy - target = -log p + 2 = -(log p - 2)
    (expected,) = torch.autograd.grad(loss, log_temperature)
    torch.testing.assert_close(agent.log_temperature.grad, expected)


def test_td3_targets_smooth_clip_and_stop_at_deaths():
    options = Td3Options(width=8, batch=16, target_noise=0.2, noise_clip=0.1)
    agent = TD3(2, 5, 2, options, "cpu", generator(), generator(1))
    batch = random_batch(2)
    noise = 0.2 * torch.randn(2, 16, 2, generator=generator(1))
    smoothed = agent.target_actor(batch.next_features).tanh() + noise.clamp(-0.1, 0.1)
    both = agent.target_critic(batch.next_features, smoothed.clamp(-1, 1))
    expected = batch.rewards + 0.99 * (1 - batch.terminations) * both.min(0).values
    torch.testing.assert_close(agent.targets(batch), expected)
    died = batch.terminations.bool()
    assert died.any() and torch.equal(agent.targets(batch)[died], batch.rewards[died])


def test_td3_delays_policy_and_targets():
    agent = TD3(1, 5, 2, Td3Options(width=8), "cpu", generator(), generator(1))
    actor, target = agent.actor_vector.clone(), agent.target_critic_vector.clone()
    agent.update(random_batch(1))
    assert torch.equal(agent.actor_vector, actor)
    assert torch.equal(agent.target_critic_vector, target)
    agent.update(random_batch(1))
    assert not torch.equal(agent.actor_vector, actor)
    assert not torch.equal(agent.target_critic_vector, target)


@pytest.mark.parametrize("agent_class, options", [(SAC, SacOptions), (TD3, Td3Options)])
def test_tasks_of_a_stack_do_not_influence_each_other(agent_class, options):
    def values_of_first_task(other: float) -> torch.Tensor:
        chosen = options(width=8, batch=16)
        agent = agent_class(2, 5, 2, chosen, "cpu", generator(), generator(1))
        for index in range(4):
            batch = random_batch(2, seed=index)
            batch.rewards[1] = other
            agent.update(batch)
        return agent.critic(batch.features, batch.actions)[:, 0]

    assert torch.equal(values_of_first_task(0.0), values_of_first_task(100.0))


def test_sac_learns_a_bandit_whose_best_action_differs_by_task():
    options = SacOptions(width=32, batch=64, learning_rate=3e-3, initial_temperature=0.1)
    agent = SAC(2, 1, 1, options, "cpu", generator(), generator(1))
    best = torch.tensor([[-0.5], [0.6]])
    g = generator(2)
    for _ in range(400):
        actions = torch.rand(2, 64, 1, generator=g) * 2 - 1
        nothing = torch.zeros(2, 64, 1)
        rewards = -(actions[..., 0] - best).square() * 10
        agent.update(Batch(nothing, actions, rewards, nothing, torch.ones(2, 64)))
    found = agent.act(torch.zeros(2, 1, 1), explore=False)[..., 0]
    torch.testing.assert_close(found, best, atol=0.15, rtol=0)


def test_members_of_a_stack_sample_their_own_rows_and_all_of_them():
    replay = ReplayBuffer(steps=5, rows=6, features=1, actions=1, extra=1, device="cpu")
    for now in range(4):
        row = torch.arange(6.0)
        columns = (row[:, None], row[:, None], row, row[:, None], row, now + row[:, None])
        replay.add(*columns)
    batch, extra, rows = replay.sample(3, 500, generator())
    for member in range(3):
        assert set(rows[member].tolist()) == {2 * member, 2 * member + 1}
    assert torch.equal(batch.features[..., 0], rows.float())
    assert torch.equal(batch.rewards, rows.float())
    assert set((extra[..., 0] - rows).unique().tolist()) == {0.0, 1.0, 2.0, 3.0}


@pytest.mark.parametrize("name", ["cheetah-vel", "cheetah-dir"])
def test_relabelled_rewards_are_the_simulators(name):
    """The same state and action under another goal: the reward computed anew is exact."""
    suite = get_suite(name)
    tasks = np.array([0, len(suite.goals) - 1])
    view = GoalConditioned(suite, suite.relabelling, tasks, 1.0, "cpu", generator())
    simulator = make_simulator(suite, tasks)
    rng = np.random.default_rng(0)
    simulator.reset(np.array([5, 5]))  # both rows start and act alike
    before = simulator.step(np.zeros((2, 6))).observations
    for _ in range(40):
        actions = np.repeat(rng.uniform(-1, 1, (1, 6)), 2, axis=0).astype(np.float32)
        after = simulator.step(actions)
        velocity = view.extras(
            Transition(before, actions, *after[1::-1], after.terminations)
        )
        assert velocity[0] == pytest.approx(velocity[1], abs=1e-6)
        batch = Batch(
            torch.as_tensor(before[None, :, :17]),
            torch.as_tensor(actions[None]),
            torch.zeros(1, 2),
            torch.as_tensor(after.observations[None, :, :17]),
            torch.zeros(1, 2),
        )
        other_way = torch.tensor(velocity[::-1].copy(), dtype=torch.float32)[None]
        view.relabelled = 0.0  # keeps the goals of the rows, uses the other row's velocity
        learned = view.learning(batch, other_way, torch.tensor([[0, 1]]))
        np.testing.assert_allclose(learned.rewards[0], after.rewards, atol=1e-5)
        before = after.observations


def test_relabelling_draws_goals_of_the_suite_for_the_given_share():
    suite = get_suite("cheetah-vel")
    known = suite, suite.relabelling
    view = GoalConditioned(*known, np.arange(40), 0.75, "cpu", generator())
    rows = torch.zeros(1, 400, dtype=torch.int64)
    nothing = torch.zeros(1, 400, 17)
    batch = Batch(nothing, torch.zeros(1, 400, 6), rows.float(), nothing, rows.float())
    learned = view.learning(batch, torch.zeros(1, 400, 1), rows)
    goals = -learned.rewards  # standing still under goal v earns -v
    assert torch.allclose(goals[0, 300:], torch.tensor(0.075))
    assert len(goals[0, :300].unique()) > 30
    assert torch.equal(learned.features[..., -1], learned.next_features[..., -1])
    fed = learned.features[..., -1] * view.spread + view.centre
    torch.testing.assert_close(fed.float(), goals)


def test_symmetries_leave_the_ant_dynamics_alone():
    """Ants that look alike through the canonical view, and act alike in it, stay alike."""
    suite = get_suite("ant-dir")
    tasks = np.array([0, 1, 2, 5])  # 69, 24, 283 and 207 degrees: all four namings
    view = Canonical(suite, suite.symmetry, tasks, 0.98)
    assert len(set(view.symmetry.quarters)) == 4
    simulator = make_simulator(suite, tasks)
    first = simulator.reset(np.full(4, 7))
    for row in range(1, 4):
        _imitate(simulator, view, row)
    rng = np.random.default_rng(0)
    for now in range(6):
        intended = np.repeat(rng.uniform(-1, 1, (1, 8)), 4, axis=0)
        performed = view.perform(intended)
        np.testing.assert_allclose(view.intend(performed), intended)
        after = simulator.step(performed)
        seen = view.look(after.observations)
        np.testing.assert_allclose(seen, np.tile(seen[0], (4, 1)), atol=1e-3)
        if now:  # the first step's velocity starts where _imitate found the ant
            np.testing.assert_allclose(after.rewards, after.rewards[0], atol=1e-3)
    assert np.abs(first[1] - first[0]).max() < 1e-6  # they were equal, not alike, before
    assert np.abs(after.observations[1] - after.observations[0]).max() > 0.1


def _imitate(simulator, view, row: int) -> None:
    """Put ``row`` into the state that looks through its view as row 0 does through its."""
    import mujoco

    data, model = simulator.data[0], simulator.model
    state = np.concatenate([data.qpos[2:], data.qvel])[None]
    own = [np.array([view.symmetry.angles[i]]) for i in (0, row)]
    quarters = np.array([view.symmetry.quarters[0] - view.symmetry.quarters[row]])
    state = rename_legs(turn(state, own[1] - own[0]), quarters)[0]
    other = simulator.data[row]
    other.qpos[:2] = 0
    other.qpos[2:], other.qvel[:] = state[:13], state[13:]
    mujoco.mj_forward(model, other)
    simulator._read_row(row)


def test_turning_and_renaming_back_restores_observations():
    rng = np.random.default_rng(0)
    observations = rng.normal(size=(6, 27))
    angles, quarters = rng.uniform(-3.1, 3.1, 6), np.arange(6)
    back = turn(turn(observations, angles), -angles)
    np.testing.assert_allclose(back, observations, atol=1e-12)
    back = rename_legs(rename_legs(observations, quarters), -quarters)
    back[:, 1:5] *= np.sign(back[:, 1:2] * observations[:, 1:2])
    np.testing.assert_allclose(back, observations, atol=1e-12)


def test_every_ant_first_looks_to_its_goal_within_45_degrees():
    suite = get_suite("ant-dir")
    view = Canonical(suite, suite.symmetry, np.arange(50), 0.98)
    standing = np.zeros((50, 27))
    standing[:, 1] = 1.0  # upright, front to +x
    w, z = view.look(standing)[:, [1, 4]].T
    assert np.abs(2 * np.arctan2(z, w)).max() <= np.pi / 4 + 1e-9


class FakeSimulator:
    """A point on a line per row: action 0 moves it, its speed is rewarded.

    Rows of task 1 die when they pass 1, so that episodes of all lengths occur.
    """

    def __init__(self, suite, tasks, threads=1):
        self.suite, self.tasks, self.rows = suite, np.asarray(tasks), len(tasks)
        self.position = np.zeros(self.rows)
        self.dead = np.zeros(self.rows, bool)

    def _observations(self):
        seen = np.zeros((self.rows, self.suite.state_dim), np.float32)
        seen[:, 0] = self.position
        return seen

    def reset(self, seeds, rows=None):
        chosen = np.ones(self.rows, bool) if rows is None else rows
        self.position[chosen] = seeds[chosen] % 100 / 1000
        self.dead[chosen] = False
        return self._observations()

    def step(self, actions):
        moved = np.where(self.dead, 0.0, 0.2 * actions[:, 0])
        self.position += moved
        self.dead |= (self.tasks == 1) & (self.position > 1)
        nothing = np.zeros(self.rows, bool)
        return Step(self._observations(), moved * 5, self.dead.copy(), nothing)


@pytest.fixture
def fake(monkeypatch):
    suite = dataclasses.replace(get_suite("cheetah-dir"), horizon=HORIZON)
    monkeypatch.setattr(algorithms, "make_simulator", FakeSimulator)
    monkeypatch.setattr(registry, "get_suite", lambda name: suite)
    return suite


def settings(**changes) -> CollectSettings:
    options = dict(
        episodes_per_task=12,
        rows_per_task=2,
        random_episodes=4,
        greedy_episodes=2,
        updates_per_step=0.5,
        width=8,
        batch=16,
    )
    values = dict(
        run="test",
        run_seed=1,
        suite="cheetah-dir",
        tasks=(0, 1),
        algorithm="sac",
        options=options,
        expert_at_least=None,
        random_at_most=None,
        quality_episodes=3,
        device="cpu",
        threads=1,
    )
    return CollectSettings(**{**values, **changes})


ALGORITHMS = ["sac", "td3", "goal-conditioned-sac", "goal-conditioned-td3"]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_equal_seeds_give_equal_bits_and_others_do_not(fake, algorithm):
    def actions(seed: int) -> np.ndarray:
        tasks = algorithms.collect(settings(algorithm=algorithm, run_seed=seed), fake)
        return np.concatenate([task.actions for task in tasks])

    assert np.array_equal(actions(1), actions(1))
    assert actions(1).shape != actions(2).shape or not np.array_equal(
        actions(1), actions(2)
    )


def test_buffers_hold_every_step_of_whole_episodes_in_time_order(fake):
    for task in algorithms.collect(settings(), fake):
        task.check("task")
        assert np.all(np.diff(task.behaviour_step) >= -HORIZON * 2)
        starts, ends = task.starts, task.episode_ends
        assert np.array_equal(task.terminations[ends - 1], task.lengths < HORIZON)
        assert task.terminations.sum() == (task.lengths < HORIZON).sum()
        for first, end, final in zip(starts, ends, task.final_observations, strict=True):
            positions = np.append(task.observations[first:end, 0], final[0])
            np.testing.assert_allclose(
                np.diff(positions), 0.2 * task.actions[first:end, 0], atol=1e-5
            )
            np.testing.assert_allclose(
                task.rewards[first:end], task.actions[first:end, 0], atol=1e-5
            )
    immortal = algorithms.collect(settings(), fake)[0]
    assert immortal.num_episodes == 12 and set(immortal.lengths) == {HORIZON}


def test_the_greedy_phase_repeats_itself_and_does_not_learn(fake):
    """From nearly equal starts the last episodes act nearly alike: no noise, no updates."""
    (task,) = algorithms.collect(settings(tasks=(0,)), fake)
    last = task.quality("expert", 2)
    first_actions = last.actions[last.starts]
    first_positions = last.observations[last.starts, 0]
    spread = np.abs(first_actions[0] - first_actions[1]).max()
    assert spread < 0.5 * np.abs(first_positions[0] - first_positions[1]) + 1e-6


def test_the_schedule_rounds_up_to_whole_rounds_of_rows():
    options = LoopOptions(
        episodes_per_task=11, rows_per_task=4, random_episodes=5, greedy_episodes=1
    )
    assert schedule(options, 100) == (300, 200, 200)


def test_a_suite_that_did_not_learn_fails_and_writes_nothing(fake, tmp_path, capsys):
    out = tmp_path / "trajectories.h5"
    with pytest.raises(TrajpromptError, match="expert_at_least"):
        run(settings(expert_at_least=1e6), str(out))
    assert not out.exists()
    assert "mean return" in capsys.readouterr().out  # the curve is printed all the same
    with pytest.raises(TrajpromptError, match="random_at_most"):
        run(settings(random_at_most=-1e6), str(out))
    assert not out.exists()


def test_the_stage_writes_a_store_that_reads_back(fake, tmp_path):
    out = tmp_path / "trajectories.h5"
    run(settings(), str(out))
    collected = algorithms.collect(settings(), fake)
    for task in collected:
        stored = read_trajectories(out)[task.task]
        assert np.array_equal(stored.actions, task.actions)
        assert stored.attributes["algorithm"] == "sac"


def test_not_a_number_never_counts_as_learned():
    returns = SimpleNamespace(returns=np.array([np.nan]))
    task = SimpleNamespace(quality=lambda level, episodes: returns)
    with pytest.raises(TrajpromptError):
        check_learned([task], 1, -1.0, None, "collect")


def test_the_curve_ends_with_the_last_steps(fake):
    tasks = algorithms.collect(settings(), fake)
    curve = learning_curve(tasks)
    assert curve[-1, 0] == np.mean([task.episode_ends[-1] for task in tasks])
    assert np.all(curve[:, 2] <= curve[:, 1]) and np.all(curve[:, 1] <= curve[:, 3])
    first, last = first_and_last(tasks, 1)
    assert first == pytest.approx(np.mean([task.returns[0] for task in tasks]))
    assert last == pytest.approx(np.mean([task.returns[-1] for task in tasks]))


@pytest.mark.parametrize(
    "changes, found",
    [
        ({"algorithm": "ppo"}, "ppo"),
        ({"options": {"episodes_per_task": 2, "learing_rate": 1}}, "learing_rate"),
        ({"options": {}}, "episodes_per_task"),
        ({"algorithm": "sac", "options": {"relabelled": 1.0}}, "relabelled"),
        ({"options": {"episodes_per_task": 9, "width": "32"}}, "options.width.*'32'.*int"),
        ({"options": {"episodes_per_task": 9, "batch": 0}}, "options.batch.*0.*at least 1"),
        (
            {"options": {"episodes_per_task": 9, "learning_rate": "1e-3"}},
            "options.learning_rate.*'1e-3'.*finite number",
        ),
        ({"options": {"episodes_per_task": 9, "greedy_episodes": 10}}, "5 random and 10"),
        ({"options": {"episodes_per_task": 9, "discount": 1.1}}, "discount.*1.1.*0 to 1"),
        ({"options": {"episodes_per_task": 9, "precision": "fp8"}}, "precision.*fp8.*bf16"),
    ],
)
def test_wrong_algorithms_and_options_are_named(changes, found):
    with pytest.raises(TrajpromptError, match=found):
        algorithms.collect(settings(**changes), get_suite("cheetah-dir"))


def test_an_option_of_none_is_an_option_not_given():
    given = {"episodes_per_task": 5, "width": None, "relabelled": None}
    loop, agent = parse_together((LoopOptions, SacOptions), given, "here")
    assert (loop.episodes_per_task, agent.width) == (5, SacOptions().width)


def test_a_number_may_be_whole_and_a_target_entropy_given():
    (agent,) = parse_together((SacOptions,), {"target_entropy": -3, "discount": 1}, "here")
    assert (agent.target_entropy, agent.discount) == (-3.0, 1.0)
    assert isinstance(agent.target_entropy, float)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_agents_that_diverge_stop_the_collection(fake, monkeypatch, algorithm):
    kind = algorithms.LEARNERS[algorithm]
    update = kind.update

    def diverge(agent, batch):
        update(agent, batch)
        with torch.no_grad():
            agent.critic_vector.fill_(float("nan"))

    monkeypatch.setattr(kind, "update", diverge)
    with pytest.raises(
        TrajpromptError, match=r"collect cheetah-dir: step \d+: actions of NaN"
    ):
        algorithms.collect(settings(algorithm=algorithm), fake)
