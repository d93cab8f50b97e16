"""Prompts from generative models: all of Algorithm 1, and its single steps."""

import dataclasses
import math

import h5py
import numpy as np
import pytest
import torch

from support.generators import DIFFUSER, MODELS, both
from support.stopping import Stopped, interrupt
from support.tuning_problem import (
    ACTION,
    DRAWS,
    PROMPT,
    ROWS,
    STATE,
    make_problem,
    prompt_set,
)
from trajprompt.adaptations.adaptation import Adaptation
from trajprompt.adaptations.read import read_adaptation
from trajprompt.adaptations.write import write_adaptation
from trajprompt.artifacts.checkpoint import Checkpoint
from trajprompt.errors import TrajpromptError
from trajprompt.numerics.flat_adamw import FlatAdamW
from trajprompt.seeds import stream
from trajprompt.settings.options import parse_options
from trajprompt.tuning.generation.diffusion import DiffusionConfig, PromptDiffusion
from trajprompt.tuning.generation.learner import Learner
from trajprompt.tuning.generation.loop import Generation
from trajprompt.tuning.methods.prompt_diffuser import SNAPSHOTS, DiffuserOptions
from trajprompt.tuning.methods.prompt_diffuser import tune as diffuse
from trajprompt.tuning.prompt_vectors import to_vectors
from trajprompt.tuning.protocol import TuningProblem
from trajprompt.tuning.samples import FixedSamples, draw_rows


def vectors(adaptation: Adaptation) -> torch.Tensor:
    return to_vectors(adaptation.last)


@both
def test_adapted_prompts_keep_the_condition_of_the_initial_prompts(tune, options, problem):
    adaptation = tune(problem, options)
    initial = problem.initial_prompts
    assert torch.equal(adaptation.last.returns_to_go, initial.returns_to_go)
    assert torch.equal(adaptation.last.timesteps, initial.timesteps)
    assert adaptation.last.states.shape == (ROWS, PROMPT, STATE)
    assert not torch.allclose(adaptation.last.states, initial.states)
    assert not torch.equal(adaptation.last.states[0], adaptation.last.states[1])


@both
def test_zero_shot_uses_nothing_of_the_test_task(tune, options, problem):
    """Without iterations, neither the prompts nor the samples of the test task matter."""
    zero_shot = dataclasses.replace(options, iterations=0)
    expected = tune(problem, zero_shot)
    other = make_problem()
    shifted = other.samples.segments._replace(actions=-other.samples.segments.actions)
    other = dataclasses.replace(
        other, prompt_set=prompt_set(ROWS, seed=99), samples=FixedSamples(shifted)
    )
    assert torch.equal(vectors(tune(other, zero_shot)), vectors(expected))
    assert [entry.iteration for entry in expected.history] == [0] * ROWS
    assert {entry.gradient_steps for entry in expected.history} == {5}
    trained = tune(problem, options)
    assert torch.equal(trained.curve[0].states, expected.last.states)
    assert not torch.equal(trained.last.states, expected.last.states)


@both
def test_each_guidance_uses_its_losses_alone(tune, options, problem):
    """Eq. 18 has no downstream loss, Eq. 19 no loss of the generator."""
    found = {
        name: tune(problem, dataclasses.replace(options, guidance=name))
        for name in ("projected", "diffusion", "downstream", "sum")
    }
    ends = [vectors(adaptation) for adaptation in found.values()]
    for i, one in enumerate(ends):
        assert all(not torch.equal(one, other) for other in ends[:i])
    starts = [to_vectors(adaptation.curve[0]) for adaptation in found.values()]
    assert all(torch.equal(start, starts[0]) for start in starts)
    for name, used in {"diffusion": (True, False), "downstream": (False, True)}.items():
        extras = found[name].extras
        for loss, counts in zip(("generator", "downstream"), used, strict=True):
            assert (extras[f"{loss}_loss"].values != 0).all() == counts
            assert (extras[f"{loss}_gradient"].values != 0).all() == counts
        assert not extras["conflicts"].values.any()
    shares = found["projected"].extras["conflicts"].values
    assert ((shares >= 0) & (shares <= 1)).all()


@both
def test_a_weight_of_zero_is_no_guidance(tune, options, problem):
    zero_weight = dataclasses.replace(options, guidance_weight=0.0)
    plain = dataclasses.replace(options, guidance="diffusion")
    # The chain of L_DT uses the generator too, so only the first step has the same batch.
    one = {"iterations": 1, "steps_per_iteration": 1}
    projected, alone = (
        tune(problem, dataclasses.replace(o, **one)) for o in (zero_weight, plain)
    )
    assert torch.equal(vectors(projected), vectors(alone))


@both
def test_variants_start_equally_but_have_other_random_streams(tune, options, problem):
    other = dataclasses.replace(problem, stream=stream(0, "another method"))
    one, two = tune(problem, options), tune(other, options)
    assert torch.equal(to_vectors(one.curve[0]), to_vectors(two.curve[0]))
    assert not torch.equal(vectors(one), vectors(two))


@both
def test_pretraining_learns_the_training_prompts(tune, options, problem):
    sizes = {"width": 64, "pretraining_batch": 32, "dropout": 0.0, "iterations": 0}
    long = dataclasses.replace(
        options, pretraining_steps=400, pretraining_rate=3e-3, **sizes
    )
    losses = tune(problem, long).extras["pretraining_loss"].values
    assert len(losses) == 400
    assert losses[-50:].mean() < 0.8 * losses[:20].mean()


@both
def test_guidance_lowers_the_downstream_loss(tune, options, problem):
    """Eq. 19 alone, with many steps, gives prompts that fit the samples better."""
    guided = dataclasses.replace(
        options, guidance="downstream", iterations=2, steps_per_iteration=25, dropout=0.0
    )
    objectives = [entry.objective for entry in tune(problem, guided).history]
    first, last = np.reshape(objectives, (3, ROWS))[[0, -1]]
    assert last.mean() < first.mean()


@both
def test_extras_and_parameters_are_stored(tune, options, problem, tmp_path):
    adaptation = tune(problem, options)
    write_adaptation(tmp_path / "a.h5", problem, adaptation, {})
    stored = read_adaptation(tmp_path / "a.h5")
    assert stored.attributes["tuned_parameters"] == adaptation.parameters > 0
    assert sorted(stored.extras) == sorted(adaptation.extras)
    for name, extra in adaptation.extras.items():
        assert np.array_equal(stored.extras[name].values, extra.values)
        assert stored.extras[name][1:] == extra[1:]
    assert stored.extras["downstream_loss"].values.shape == (2, ROWS)


@both
def test_distinct_prompts_are_counted(tune, options, problem):
    """They are counted in each row's set, and in each task of pretraining."""
    for number in range(ROWS):
        for tensor in (*problem.prompt_set.prompts, problem.prompt_set.rewards):
            tensor[number, number:] = tensor[number, :1]
    for tensor in (*problem.training_prompts.prompts, problem.training_prompts.rewards):
        tensor[1] = tensor[1, :1]
    extras = tune(problem, dataclasses.replace(options, iterations=0)).extras
    assert extras["different_prompts"].values.tolist() == [1, 1, 2]
    assert extras["different_training_prompts"].values.tolist() == [DRAWS, 1, DRAWS, DRAWS]
    assert extras["different_prompts"].unit == "prompts"


@pytest.mark.parametrize("damage", ["unit", "group"])
def test_extras_without_a_unit_are_an_error(damage, problem, tmp_path):
    write_adaptation(tmp_path / "a.h5", problem, diffuse(problem, DIFFUSER), {})
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        if damage == "unit":
            del file["extras/conflicts"].attrs["unit"]
        else:
            file.create_group("extras/other")
    with pytest.raises(TrajpromptError, match="extras/(conflicts|other).*unit"):
        read_adaptation(tmp_path / "a.h5")


def test_denoising_ends_in_the_adapted_prompt(problem):
    adaptation = diffuse(problem, DIFFUSER)
    extras = adaptation.extras
    chain = torch.from_numpy(extras["denoising"].values)
    assert chain.shape == (ROWS, SNAPSHOTS, PROMPT, STATE + ACTION + 1)
    left = extras["denoising_steps"].values
    assert (left[0], left[-1], len(left)) == (25, 0, SNAPSHOTS)
    last = adaptation.last
    shown = chain[:, -1, ..., :STATE].flatten().double()
    states = last.states.flatten().double()
    assert torch.corrcoef(torch.stack([shown, states]))[0, 1] > 0.999  # one affine map
    assert chain[:, 0].std() == pytest.approx(1.0, abs=0.2)  # noise


def test_clipped_is_the_share_at_the_bound(problem, monkeypatch):
    """Without noise, x_{k-1} = a clean + b x_k, from which the clean prompt follows."""
    chains, denoise = [], PromptDiffusion.denoise

    def recorded(*arguments):
        chains.append(list(denoise(*arguments)))
        return iter(chains[-1])

    monkeypatch.setattr(PromptDiffusion, "denoise", recorded)
    adaptation = diffuse(problem, dataclasses.replace(DIFFUSER, temperature=0.0))
    x = torch.stack([one.x[:, 0] for one in chains[-1]], dim=1).double()  # (R, N + 1, d)
    betas = torch.linspace(1e-4 * 40, 0.02 * 40, 25, dtype=torch.float64)[:, None]
    signal = torch.cumprod(1 - betas, 0)
    before = signal / (1 - betas)
    a = before.sqrt() * betas / (1 - signal)
    b = (1 - betas).sqrt() * (1 - before) / (1 - signal)
    clean = (x[:, 1:] - b.flip(0) * x[:, :-1]) / a.flip(0)  # from x_N to x_1
    at_bound = (clean.abs() - 1).abs() < 1e-6 / a.flip(0)  # x is float32
    found = adaptation.extras["clipped"]
    np.testing.assert_allclose(found.values, at_bound.double().mean(-1), atol=1e-6)
    assert found.values.shape == (ROWS, 25) and 0 < found.values.mean() < 1
    assert found.unit == "share"


@both
@pytest.mark.parametrize("at", [3, 4, 5, 8])
def test_resuming_at_any_step_gives_the_same_bytes(tune, options, tmp_path, at):
    """It is stopped in pretraining, at the start of tuning, and in tuning."""

    def adapted(checkpoint: Checkpoint) -> Adaptation:
        problem = dataclasses.replace(make_problem(), checkpoint=checkpoint)
        return tune(problem, options)

    target = tmp_path / "seed0.h5"
    interrupt(Stopped(target, at), adapted)
    for file, checkpoint in (("a", Checkpoint()), ("b", Checkpoint(target, "test"))):
        write_adaptation(tmp_path / file, make_problem(), adapted(checkpoint), {})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    ("missing", "named"),
    [("training_prompts", "training prompts"), ("prompt_set", "prompts of the row's task")],
)
def test_sets_of_prompts_are_required(problem, missing, named):
    without = dataclasses.replace(problem, **{missing: None})
    with pytest.raises(
        TrajpromptError, match=f"{named}: found none;.*reads_training_tasks"
    ):
        diffuse(without, DIFFUSER)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"guidance": "both"}, "guidance.*'both'.*projected"),
        ({"chains": 5}, "chains.*5.*divisor of 32, the value of contexts"),
        ({"batch": 8, "chains": 16}, "chains.*16.*at most 8, the value of batch"),
        ({"diffusion_steps": 20}, "diffusion_steps.*20.*at least 21"),
        ({"temperature": 1.5}, "temperature.*1.5.*at most 1"),
        ({"schedule": "linear"}, "schedule.*'linear'.*cosine"),
        ({"warmup_steps": -1}, "warmup_steps.*-1.*at least 0"),
        ({"iterations": -1}, "iterations.*-1.*at least 0"),
        ({"learning_rate": 0}, "learning_rate.*0.*more than 0"),
    ],
)
def test_bad_options_are_named(values, message):
    with pytest.raises(TrajpromptError, match=message):
        parse_options(DiffuserOptions, values, "config")


def test_defaults_are_the_papers():
    """PD Table 4 and appendix B."""
    options = DiffuserOptions()
    assert (options.diffusion_steps, options.width, options.dropout) == (100, 256, 0.1)
    assert (options.iterations, options.steps_per_iteration) == (20, 100)
    assert (options.batch, options.learning_rate) == (32, 1e-4)
    assert (options.guidance, options.guidance_weight) == ("projected", 1.0)


WEIGHT = 0.3  # λ


def diffusion(codec, generator) -> PromptDiffusion:
    sizes = codec.features, codec.conditions, DIFFUSER.diffusion_steps, DIFFUSER.width
    return PromptDiffusion.fresh(DiffusionConfig(*sizes, dropout=0.0), generator)


def gradients(generation: Generation, problem: TuningProblem):
    """Gradients (R, n) of L_DM and L_DT (Eq. 13, by one plain forward pass per prompt)."""
    options, model, rng = generation.options, generation.learner.model, generation.generator
    batch = generation.prompt_set.draw(rng, options.batch)
    base = model.loss(batch.x0, batch.y, rng)
    chains, share = options.chains, options.contexts // options.chains
    given = generation.prompt_set.prompts_at(batch.places[:, :chains])
    y = batch.y[:, :chains]
    prompts = generation.codec.decode(model.sample(y, rng, 1.0), given)
    contexts = draw_rows(problem.samples, rng, ROWS, options.contexts)
    guide = torch.zeros(())
    for row in range(ROWS):
        for chain in range(chains):
            context = contexts.select((row, slice(chain * share, (chain + 1) * share)))
            prompt = prompts.select((row, slice(chain, chain + 1)))
            errors = problem.backbone.model(context, prompt) - context.actions
            guide = guide + errors[context.mask].square().mean() / chains
    losses = base.sum(), guide
    return [torch.autograd.grad(loss, model.vectors)[0] for loss in losses]


def combined(base: torch.Tensor, guide: torch.Tensor, sizes: list[int]) -> torch.Tensor:
    """Compute Eq. 15 part by part: base + λ guide, with guide projected."""
    rows = []
    for base_row, guide_row in zip(base, guide, strict=True):
        parts = zip(base_row.split(sizes), guide_row.split(sizes), strict=True)
        rows.append(torch.cat([a + WEIGHT * projected(b, a) for a, b in parts]))
    return torch.stack(rows)


def projected(guide: torch.Tensor, base: torch.Tensor) -> torch.Tensor:
    return guide - min(float(guide @ base), 0.0) / float(base @ base) * base


@pytest.mark.parametrize("per_layer", [False, True], ids=["complete", "layers"])
def test_every_row_moves_along_equation_15(per_layer, problem, monkeypatch):
    """Ten steps that do not move the weights, so the test can repeat all of them."""
    options = dataclasses.replace(
        DIFFUSER,
        pretraining_steps=0,
        iterations=1,
        steps_per_iteration=10,
        guidance_weight=WEIGHT,
        dropout=0.0,
        per_layer=per_layer,
    )
    generation, taken = Generation(problem, options, diffusion), []
    monkeypatch.setattr(Learner, "descend", lambda self, along, _: taken.append(along))
    initial_state = generation.generator.get_state()
    generation.run()
    generation.generator.set_state(initial_state)
    layers = generation.learner.model.layers
    sizes = layers.sizes if per_layer else [layers.parameters]
    assert len(taken) == 10 and len(layers.sizes) == 5
    against = []
    for along in taken:
        base, guide = gradients(generation, problem)
        expected = combined(base, guide, sizes) - base
        close = {"rtol": 1e-2, "atol": 1e-3 * float(expected.abs().max())}
        torch.testing.assert_close(along - base, expected, **close)
        against.append((base * guide).sum(dim=1) < 0)
        if against[-1].any():  # the projection depends on the order of its arguments
            swapped = combined(guide, base, sizes) - guide
            assert not torch.allclose(along - base, swapped, **close)
            assert not torch.allclose(along - base, WEIGHT * guide, **close)
    conflicts = torch.stack(against)
    assert conflicts.any() and not conflicts.all()


def test_every_dimension_stays_in_its_range(problem):
    """Generated values are in [-1, 1] of the range of all states or of each dimension."""
    known = problem.training_prompts.prompts.states.flatten(0, -2)
    low, high = known.amin(dim=0), known.amax(dim=0)
    outside = {}
    for per_dimension in (False, True):
        options = dataclasses.replace(DIFFUSER, per_dimension=per_dimension)
        states = diffuse(problem, options).last.states
        assert states.shape[-1] == STATE
        assert states.min() >= known.min() - 1e-5 and states.max() <= known.max() + 1e-5
        outside[per_dimension] = ((states < low - 1e-5) | (states > high + 1e-5)).any()
    assert outside[False] and not outside[True]


FLOOR = 0.05  # share of the rate at the end of the cosine


def factors(steps: int, warmup: int, schedule: str) -> list[float]:
    """Factors of the rate: a line up to 1, then 1 or half a cosine down to the floor."""
    rest = steps - warmup
    falls = [0.5 + 0.5 * math.cos(math.pi * step / rest) for step in range(rest)]
    after = {"constant": [1.0] * rest, "cosine": [FLOOR + (1 - FLOOR) * x for x in falls]}
    return [(step + 1) / warmup for step in range(warmup)] + after[schedule]


@both
@pytest.mark.parametrize("schedule", ["constant", "cosine"])
@pytest.mark.parametrize("warmup", [0, 3])
def test_the_rate_follows_its_schedule(tune, options, schedule, warmup, monkeypatch):
    """It runs once over pretraining, and once over all iterations of tuning."""
    rates, step = [], FlatAdamW.step

    def spy(optimiser: FlatAdamW) -> None:
        rates.append(optimiser.learning_rate)
        step(optimiser)

    monkeypatch.setattr(FlatAdamW, "step", spy)
    counts = {"pretraining_steps": 9, "iterations": 2, "steps_per_iteration": 4}
    counts |= {"pretraining_rate": 0.02, "learning_rate": 0.005}
    changes = counts | {"warmup_steps": warmup, "schedule": schedule}
    tune(make_problem(), dataclasses.replace(options, **changes))
    expected = [0.02 * factor for factor in factors(9, warmup, schedule)]
    expected += [0.005 * factor for factor in factors(8, warmup, schedule)]
    assert rates == pytest.approx(expected, rel=1e-9)


@both
def test_only_guidance_samples_at_temperature_one(tune, options, problem, monkeypatch):
    """L_DT uses Eq. 4; judged, adapted and example prompts use the option's temperature."""
    model = MODELS[tune]
    temperatures, sample = [], model.sample

    def spy(self, y, generator, temperature):
        temperatures.append((torch.is_grad_enabled(), temperature))
        return sample(self, y, generator, temperature)

    monkeypatch.setattr(model, "sample", spy)
    tune(problem, dataclasses.replace(options, temperature=0.25))
    iteration = [(True, 1.0)] * options.steps_per_iteration + [(False, 0.25)]
    assert temperatures == [(False, 0.25), *iteration * options.iterations, (False, 0.25)]
