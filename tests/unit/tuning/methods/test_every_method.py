"""Every registered method on a tiny problem, with fakes in place of simulators."""

import dataclasses
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from support.stopping import Stopped, interrupt
from support.tuning_problem import ACTION, PROMPT, ROWS, STATE, make_problem, segments
from trajprompt.adaptations.adaptation import HISTORY_COLUMNS, Adaptation
from trajprompt.adaptations.read import read_adaptation
from trajprompt.adaptations.write import write_adaptation
from trajprompt.artifacts.checkpoint import Checkpoint
from trajprompt.errors import TrajpromptError
from trajprompt.models.prompt_dt import BackboneConfig, PromptDT, action_loss
from trajprompt.seeds import stream, torch_generator
from trajprompt.settings.options import OptionError, build, parse_options
from trajprompt.tasks.registry import get_suite
from trajprompt.tuning import oracle, protocol
from trajprompt.tuning.finetuning import FinetuneOptions
from trajprompt.tuning.imitation import ImitationLoss
from trajprompt.tuning.methods import none
from trajprompt.tuning.methods.adaptor import AdaptorOptions
from trajprompt.tuning.methods.cma_es import CmaEsOptions
from trajprompt.tuning.methods.diffuser_ptdt import DiffuserPtdtOptions
from trajprompt.tuning.methods.gaussian_search import GaussianSearchOptions
from trajprompt.tuning.methods.hill_climbing import HillClimbingOptions
from trajprompt.tuning.methods.none import NoOptions
from trajprompt.tuning.methods.prompt_bandit import BanditOptions
from trajprompt.tuning.methods.prompt_diffuser import DiffuserOptions
from trajprompt.tuning.methods.prompt_vae import VAEOptions
from trajprompt.tuning.methods.ptdt_offline import ImitationObjective, OfflineOptions
from trajprompt.tuning.methods.ptdt_online import OnlineOptions
from trajprompt.tuning.methods.random_segments import RandomSegmentsOptions
from trajprompt.tuning.methods.retrieval import RetrievalOptions
from trajprompt.tuning.methods.soft_prompt import SoftPromptOptions
from trajprompt.tuning.methods.two_point import TwoPointOptions
from trajprompt.tuning.methods.zo_rank_line_search import LineSearchOptions
from trajprompt.tuning.methods.zo_rank_search import RankSearchOptions
from trajprompt.tuning.prompt_vectors import to_prompts, to_vectors
from trajprompt.tuning.protocol import TuningProblem
from trajprompt.tuning.registry import get_method, methods

TINY_GENERATOR = {"pretraining_steps": 3, "iterations": 2, "steps_per_iteration": 2}
TINY_GENERATOR |= {"batch": 4, "contexts": 4, "chains": 2, "width": 16, "judging_batch": 8}
TINY_RANKING = {"iterations": 2, "steps_per_iteration": 2, "batch": 4}
TINY_SEARCH = {"episodes": 11, "records": 2}  # four rounds of three, the last smaller
OPTIONS = {
    "none": NoOptions(),
    "full-finetune": FinetuneOptions(
        iterations=3, steps_per_iteration=8, learning_rate=1e-3
    ),
    "adaptor": AdaptorOptions(
        iterations=3, steps_per_iteration=8, learning_rate=1e-2, bottleneck=4
    ),
    "soft-prompt": SoftPromptOptions(
        iterations=2, steps_per_iteration=2, batch=4, learning_rate=0.1
    ),
    "retrieval": RetrievalOptions(candidates=12),
    "prompt-diffuser": DiffuserOptions(**TINY_GENERATOR, diffusion_steps=25),
    "prompt-vae": VAEOptions(**TINY_GENERATOR, latent=2),
    "diffuser-ptdt": DiffuserPtdtOptions(
        {**TINY_GENERATOR, "diffusion_steps": 25}, TINY_RANKING
    ),
    "ptdt-offline": OfflineOptions(**TINY_RANKING),
    "ptdt-online": OnlineOptions(
        iterations=2, steps_per_iteration=3, candidates=4, ranked=4
    ),
    "random-segments": RandomSegmentsOptions(**TINY_SEARCH, candidates=3),
    "best-of-n": RandomSegmentsOptions(**TINY_SEARCH, candidates=3),
    "gaussian-search": GaussianSearchOptions(**TINY_SEARCH, candidates=3),
    "hill-climbing": HillClimbingOptions(**TINY_SEARCH, candidates=3),
    "cma-es": CmaEsOptions(episodes=20, records=2, population=6),
    "two-point": TwoPointOptions(**TINY_SEARCH, pairs=2),
    "zo-rank-search": RankSearchOptions(**TINY_SEARCH, candidates=3, ranked=3),
    "prompt-bandit": BanditOptions(**TINY_SEARCH, refit_steps=5),
    "zo-rank-line-search": LineSearchOptions(**TINY_SEARCH, candidates=3, ranked=3),
}


@pytest.fixture
def problem() -> TuningProblem:
    return make_problem()


@pytest.fixture
def played(monkeypatch) -> list[SimpleNamespace]:
    """Fakes of simulator, policy and rollout; the return is -|prompt|^2, without noise."""
    log: list[SimpleNamespace] = []

    def policy(backbone, prompts, rows, target_return, precision, threads):
        assert prompts.leading == (rows,)
        return prompts

    def rollout(simulator, prompts, seeds):
        tasks, returns = simulator, -to_vectors(prompts).square().sum(-1).double().numpy()
        log.append(SimpleNamespace(tasks=tasks, seeds=seeds, returns=returns))
        return SimpleNamespace(returns=returns, lengths=np.full(len(seeds), 10))

    monkeypatch.setattr(oracle, "LockstepPolicy", policy)
    monkeypatch.setattr(oracle, "rollout", rollout)
    monkeypatch.setattr(oracle, "make_simulator", lambda suite, tasks, threads: tasks)
    return log


every = pytest.mark.parametrize("name", methods())


def options_of(name: str) -> Any:
    """Tiny ones; the defaults of a method that nobody has entered above."""
    if name in OPTIONS:
        return OPTIONS[name]
    try:
        return build((get_method(name).options,), {})[0]
    except OptionError as error:
        found = f"option {error.name} of {name} has no default"
        pytest.fail(f"{found}; give it one, or enter tiny options in OPTIONS of this file")


def test_every_method_with_tiny_options_exists():
    assert set(OPTIONS) <= set(methods())


def test_a_method_whose_options_lack_defaults_is_told_so(monkeypatch):
    made = dataclasses.make_dataclass("Options", [("spread", float)], frozen=True)
    known = {**protocol.REGISTRY, "mine": protocol.Method("mine", made, none.tune)}
    monkeypatch.setattr(protocol, "REGISTRY", known)
    with pytest.raises(pytest.fail.Exception, match="option spread of mine has no default"):
        options_of("mine")


@every
def test_method_on_a_tiny_problem(name, problem, played, tmp_path):
    before = {k: v.clone() for k, v in problem.backbone.model.state_dict().items()}
    adaptation = get_method(name).tune(problem, options_of(name))
    for k, v in problem.backbone.model.state_dict().items():
        assert torch.equal(v, before[k]), f"the backbone's {k} changed"
    last = max(entry["iteration"] for entry in adaptation.history)
    if name in OPTIONS:
        composed = {"retrieval": 1, "diffuser-ptdt": TINY_RANKING["iterations"]}
        own = vars(OPTIONS[name])
        assert last == composed.get(name, own.get("iterations", own.get("records", 0)))
        assert len(adaptation.history) == ROWS * (last + 1)
    assert all(set(entry) == set(HISTORY_COLUMNS) for entry in adaptation.history)
    for prompts in (adaptation.last, adaptation.best):
        assert prompts.states.shape == (ROWS, PROMPT, STATE)
        assert torch.equal(prompts.timesteps, problem.initial_prompts.timesteps)
    write_adaptation(tmp_path / "a.h5", problem, adaptation, {"suite": "cheetah-vel"})
    stored = read_adaptation(tmp_path / "a.h5")
    for found, made in zip(stored.best, adaptation.best, strict=True):
        assert torch.equal(found, made)
    assert stored.rows.tolist() == problem.rows.tolist()
    assert sorted(stored.curve) == sorted(adaptation.curve)
    assert stored.last_iteration == last


@every
def test_same_seed_same_bytes(name, played, tmp_path):
    for file in ("a.h5", "b.h5"):
        fresh = make_problem()
        adaptation = get_method(name).tune(fresh, options_of(name))
        write_adaptation(tmp_path / file, fresh, adaptation, {"suite": "cheetah-vel"})
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_none_hands_the_initial_prompts_back(problem):
    adaptation = get_method("none").tune(problem, NoOptions())
    assert adaptation.last is problem.initial_prompts is adaptation.best
    without = dataclasses.replace(problem, initial_prompts=None)
    assert get_method("none").tune(without, NoOptions()).last is None


@pytest.mark.parametrize(
    "name",
    ["ptdt-offline", "ptdt-online", "soft-prompt", "retrieval", "best-of-n", "cma-es"],
)
def test_moving_prompts_needs_one(name, problem):
    with pytest.raises(TrajpromptError, match="prompt"):
        get_method(name).tune(
            dataclasses.replace(problem, initial_prompts=None), OPTIONS[name]
        )


def test_vectors_hold_return_state_action_of_each_step(problem):
    prompts = problem.initial_prompts
    vectors = to_vectors(prompts)
    assert vectors.shape == (ROWS, PROMPT * (1 + STATE + ACTION))
    step = torch.cat(
        [prompts.returns_to_go[0, 1], prompts.states[0, 1], prompts.actions[0, 1]]
    )
    assert torch.equal(vectors[0, 1 + STATE + ACTION :], step)
    for found, given in zip(to_prompts(vectors, prompts), prompts, strict=True):
        assert torch.equal(found, given)
    candidates = to_prompts(vectors.unsqueeze(1).repeat(1, 5, 1), prompts)
    assert torch.equal(candidates.mask[:, 3], prompts.mask)
    assert candidates.flatten().leading == (ROWS * 5,)


def test_imitation_loss_is_equation_5(problem):
    """Against a plain forward pass of every pair of candidate and context."""
    model, contexts = problem.backbone.model, problem.samples.segments
    candidates = segments(ROWS, 5, length=PROMPT, seed=3)
    found = ImitationLoss(model, "fp32")(candidates, contexts)
    for row in range(ROWS):
        for number in range(5):
            prompt = candidates.select((row, slice(number, number + 1)))
            context = contexts.select(row)
            with torch.no_grad():
                predicted = model(context, prompt)
            own = (predicted - context.actions)[context.mask].square().mean()
            torch.testing.assert_close(found[row, number], own, rtol=1e-5, atol=1e-6)
            torch.testing.assert_close(action_loss(predicted, context), own)


@pytest.mark.parametrize("returns", [True, False])
def test_imitation_loss_without_return_tokens(returns):
    config = BackboneConfig(
        STATE, ACTION, width=16, layers=3, inner=32, uses_returns=returns
    )
    model = PromptDT(config).eval()
    prompts, contexts = segments(4, length=5, seed=4), segments(3, length=20, seed=5)
    found = ImitationLoss(model, "fp32").actions(prompts, contexts)  # (C, b, K, A)
    for number in range(4):
        with torch.no_grad():
            own = model(contexts, prompts.select(slice(number, number + 1)))
        torch.testing.assert_close(found[number], own, rtol=1e-5, atol=1e-6)


def test_offline_objective_compares_on_a_common_fresh_batch(problem):
    options = OfflineOptions(batch=4, judging_batch=8)
    objective = ImitationObjective(problem, options)
    start = to_vectors(problem.initial_prompts)
    equal = start.unsqueeze(1).repeat(1, 3, 1)
    first, second = objective(equal, start, 0), objective(equal, start, 1)
    assert torch.equal(first.candidates, first.candidates[:, :1].expand(-1, 3))
    assert not torch.equal(first.candidates, second.candidates)
    assert torch.equal(first.iterate, second.iterate)
    assert first.queries == 4 and objective(equal, None, 2).queries == 3


def test_offline_descends(problem):
    options = OfflineOptions(
        iterations=6, steps_per_iteration=5, batch=16, smoothing=0.1, step_size=0.1
    )
    adaptation = get_method("ptdt-offline").tune(problem, options)
    objective = np.array([entry["objective"] for entry in adaptation.history])
    objective = objective.reshape(7, ROWS)  # iteration-major
    assert (objective[-1] < objective[0]).all()
    assert adaptation.best_iteration.tolist() == objective.argmin(axis=0).tolist()
    last = adaptation.history[-1]
    moved = to_vectors(adaptation.last)[2] - to_vectors(problem.initial_prompts)[2]
    assert last["displacement"] == pytest.approx(float(moved.norm()))
    assert last["queries"] == 30 * 15 + 7 and last["simulator_steps"] == 0


def test_online_counts_and_common_resets(problem, played):
    options = dataclasses.replace(OPTIONS["ptdt-online"], episodes=2, smoothing=0.1)
    adaptation = get_method("ptdt-online").tune(problem, options)
    steps, m, judged = 6, 4, 3
    assert len(played) == steps + 1  # one rollout per step and a last judgement
    last = adaptation.history[-1]
    assert last["queries"] == steps * m + judged
    assert last["simulator_steps"] == last["queries"] * 2 * 10
    assert last["gradient_steps"] == 0
    seeds = played[0].seeds.reshape(ROWS, m + 1, 2)
    assert (seeds[:, :m] == seeds[:, :1]).all(), "candidates of a row share their resets"
    assert (played[1].seeds.reshape(ROWS, m, 2)[:, 0] != seeds[:, 0]).all(), (
        "fresh each step"
    )
    later = played[3].seeds.reshape(ROWS, m + 1, 2)
    assert (later[:, m] == seeds[:, m]).all(), "iterates are judged on the same resets"
    assert all((call.seeds % 2 == 1).all() for call in played), "evaluation's are even"
    assert played[0].tasks.tolist() == np.repeat(problem.rows, 2 * (m + 1)).tolist()
    objective = [entry["objective"] for entry in adaptation.history]
    assert objective[-ROWS:] < objective[:ROWS]


@pytest.mark.parametrize(("suite", "each"), [("cheetah-vel", 2), ("reach", 1)])
def test_online_leaves_the_return_of_every_episode(problem, played, suite, each):
    """Judgements of the iterate too; several of a candidate are its mean, so often."""
    options = dataclasses.replace(OPTIONS["ptdt-online"], episodes=2)
    known = get_suite(suite)
    changed = dataclasses.replace(problem, suite=known)
    extra = get_method("ptdt-online").tune(changed, options).extras["episode_returns"]
    assert extra.values.shape == (ROWS, options.episodes_played(known))
    assert "mean" in extra.description
    rounds = [call.returns.reshape(ROWS, -1, each) for call in played]
    means = np.concatenate(rounds, axis=1).mean(axis=2)
    np.testing.assert_array_equal(extra.values, means.repeat(each, axis=1))


def test_one_episode_where_resets_are_deterministic(problem, played):
    reach = dataclasses.replace(problem, suite=dataclasses.replace(get_suite("reach")))
    options = dataclasses.replace(OPTIONS["ptdt-online"], episodes=5)
    get_method("ptdt-online").tune(reach, options)
    assert len(played[0].seeds) == ROWS * 5


def test_finetuning_learns(problem):
    adaptation = get_method("full-finetune").tune(problem, OPTIONS["full-finetune"])
    frozen = problem.backbone.model.state_dict()
    for row in range(ROWS):
        own = [
            e
            for e in adaptation.history
            if (e["task"], e["prompt"]) == (problem.rows[row], problem.prompts[row])
        ]
        assert own[-1]["objective"] < own[1]["objective"]
        assert own[-1]["gradient_steps"] == 24
        assert not torch.equal(
            adaptation.weights[row]["predict_action.weight"],
            frozen["predict_action.weight"],
        )
    first, second = (adaptation.weights[row]["predict_action.weight"] for row in (0, 1))
    assert not torch.equal(first, second)


def test_fixed_samples_have_no_doubles(problem):
    drawn = problem.samples.draw(torch_generator(stream(1)), 0, 16).states
    assert len(torch.unique(drawn.flatten(1), dim=0)) == 16
    assert problem.samples.draw(torch_generator(stream(1)), 0, 40).leading == (40,)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("ptdt-offline", {"stepsize": 0.1}, "stepsize: found an unknown option.*step_size"),
        ("ptdt-offline", {"step_size": "1e-4"}, "step_size.*'1e-4'.*finite number"),
        ("ptdt-online", {"iterations": 2.5}, "iterations.*2.5.*int"),
        ("ptdt-online", {"candidates": True}, "candidates.*True.*int"),
        ("ptdt-online", {"ranked": 16}, "ranked.*16.*at most candidates, 15"),
        ("ptdt-offline", {"judging_batch": 0}, "judging_batch.*0.*at least 1"),
        ("ptdt-online", {"episodes": 0}, "episodes.*0.*at least 1"),
        ("ptdt-online", {"smoothing": 0}, "smoothing.*0.*more than 0"),
        ("full-finetune", {"learning_rate": float("nan")}, "learning_rate.*nan.*finite"),
        ("full-finetune", {"batch": 0}, "batch.*0.*at least 1"),
        ("none", {"x": 1}, "no options"),
    ],
)
def test_bad_options_are_named(name, values, message):
    with pytest.raises(TrajpromptError, match=message):
        parse_options(get_method(name).options, values, "config")


def test_good_options():
    options = parse_options(OfflineOptions, {"step_size": 1, "batch": 8}, "config")
    assert options.step_size == 1.0 and isinstance(options.step_size, float)


def test_unknown_method():
    with pytest.raises(TrajpromptError, match="'ptdt'.*ptdt-offline"):
        get_method("ptdt")


def test_damaged_adaptation_is_one_clear_error(tmp_path):
    file = tmp_path / "a.h5"
    with pytest.raises(TrajpromptError, match="missing or empty"):
        read_adaptation(file)
    file.write_bytes(b"not HDF5")
    with pytest.raises(TrajpromptError, match="damaged"):
        read_adaptation(file)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda h: [], ":history: no entries; expected entries of task, prompt, iter"),
        (lambda h: [{"task": 2}], ":history: an entry of task; expected entries of task,"),
        (
            lambda h: h[:-1],
            ":history: nothing of task 7, prompt 0, iteration 2; expected an",
        ),
        (
            lambda h: [e | {"queries": 0.5} for e in h],
            "queries: <f8 .*; expected .* i or u",
        ),
        (
            lambda h: [e | {"objective": None} for e in h],
            "objective: type object; .*numbers",
        ),
    ],
)
def test_a_bad_history_is_refused_before_a_file_is_there(
    problem, tmp_path, change, message
):
    made = get_method("soft-prompt").tune(problem, OPTIONS["soft-prompt"])
    bad = dataclasses.replace(made, history=change(made.history))
    whole = f"^tuning method mine.*{message}.*; mend what the method hands back$"
    with pytest.raises(TrajpromptError, match=whole):
        write_adaptation(tmp_path / "a.h5", problem, bad, {"method": "mine"})
    assert not list(tmp_path.iterdir())


def test_prompts_of_too_few_rows_are_refused_too(problem, tmp_path):
    made = get_method("none").tune(problem, NoOptions())
    bad = dataclasses.replace(made, last=made.last.select(slice(2)))
    with pytest.raises(TrajpromptError, match="method mine:last/returns_to_go.*; mend"):
        write_adaptation(tmp_path / "a.h5", problem, bad, {"method": "mine"})
    assert not list(tmp_path.iterdir())


def adapted(name: str, checkpoint: Checkpoint) -> Adaptation:
    problem = dataclasses.replace(make_problem(), checkpoint=checkpoint)
    return get_method(name).tune(problem, OPTIONS[name])


@pytest.mark.parametrize("name", sorted(set(OPTIONS) - {"none", "retrieval"}))
@pytest.mark.parametrize("at", [0, 1])
def test_stopped_methods_go_on_to_the_same_bytes(tmp_path, played, name, at):
    target = tmp_path / "seed0.h5"
    interrupt(Stopped(target, at), lambda checkpoint: adapted(name, checkpoint))
    for file, checkpoint in (("a", Checkpoint()), ("b", Checkpoint(target, "test"))):
        write_adaptation(tmp_path / file, make_problem(), adapted(name, checkpoint), {})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
