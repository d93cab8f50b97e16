"""What a step of Algorithm 1 is made of: its gradient, its rate, its temperature."""

import dataclasses
import math

import pytest
import torch

from support.generators import DIFFUSER, MODELS, both
from support.tuning_problem import ROWS, STATE, make_problem
from trajprompt.numerics.flat_adamw import FlatAdamW
from trajprompt.tuning.generation.diffusion import DiffusionConfig, PromptDiffusion
from trajprompt.tuning.generation.learner import Learner
from trajprompt.tuning.generation.loop import Generation
from trajprompt.tuning.methods.prompt_diffuser import tune as diffuse
from trajprompt.tuning.protocol import TuningProblem
from trajprompt.tuning.samples import draw_rows

WEIGHT = 0.3  # λ


def diffusion(codec, generator) -> PromptDiffusion:
    sizes = codec.features, codec.conditions, DIFFUSER.diffusion_steps, DIFFUSER.width
    return PromptDiffusion.fresh(DiffusionConfig(*sizes, dropout=0.0), generator)


def gradients(generation: Generation, problem: TuningProblem):
    """Of L_DM and of L_DT (Eq. 13, by a plain forward pass per prompt), each (R, n)."""
    options, model, rng = generation.options, generation.learner.model, generation.generator
    batch = generation.own.draw(rng, options.batch)
    own = model.loss(batch.x0, batch.y, rng)
    chains, share = options.chains, options.contexts // options.chains
    y, given = batch.y[:, :chains], batch.prompts.select((slice(None), slice(chains)))
    prompts = generation.codec.decode(model.sample(y, rng, 1.0), given)
    contexts = draw_rows(problem.samples, rng, ROWS, options.contexts)
    guide = torch.zeros(())
    for row in range(ROWS):
        for chain in range(chains):
            context = contexts.select((row, slice(chain * share, (chain + 1) * share)))
            prompt = prompts.select((row, slice(chain, chain + 1)))
            errors = problem.backbone.model(context, prompt) - context.actions
            guide = guide + errors[context.mask].square().mean() / chains
    losses = own.sum(), guide
    return [torch.autograd.grad(loss, model.vectors)[0] for loss in losses]


def joined(own: torch.Tensor, guide: torch.Tensor, sizes: list[int]) -> torch.Tensor:
    """Eq. 15, number by number: own + λ guide, which loses what goes against own."""
    rows = []
    for mine, its in zip(own, guide, strict=True):
        parts = zip(mine.split(sizes), its.split(sizes), strict=True)
        rows.append(torch.cat([a + WEIGHT * without(b, a) for a, b in parts]))
    return torch.stack(rows)


def without(guide: torch.Tensor, own: torch.Tensor) -> torch.Tensor:
    return guide - min(float(guide @ own), 0.0) / float(own @ own) * own


@pytest.mark.parametrize("per_layer", [False, True], ids=["whole", "layers"])
def test_every_row_goes_along_equation_15(per_layer, problem, monkeypatch):
    """Ten steps without moving, so that all of them can be done again here."""
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
    monkeypatch.setattr(Learner, "descend", lambda own, along, share: taken.append(along))
    begun = generation.generator.get_state()
    generation.run()
    generation.generator.set_state(begun)
    layers = generation.learner.model.layers
    sizes = layers.sizes if per_layer else [layers.parameters]
    assert len(taken) == 10 and len(layers.sizes) == 5
    against = []
    for along in taken:
        own, guide = gradients(generation, problem)
        expected = joined(own, guide, sizes) - own
        close = {"rtol": 1e-2, "atol": 1e-3 * float(expected.abs().max())}
        torch.testing.assert_close(along - own, expected, **close)
        against.append((own * guide).sum(dim=1) < 0)
        if against[-1].any():  # the order of its arguments matters to the projection
            swapped = joined(guide, own, sizes) - guide
            assert not torch.allclose(along - own, swapped, **close)
            assert not torch.allclose(along - own, WEIGHT * guide, **close)
    conflicts = torch.stack(against)
    assert conflicts.any() and not conflicts.all()


def test_with_ranges_of_its_own_every_dimension_stays_in_its_range(problem):
    """What the diffuser writes lies in [-1, 1]: of all states, or of each dimension."""
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


FLOOR = 0.05  # of the rate is left at the end of the cosine


def shares(steps: int, warmup: int, schedule: str) -> list[float]:
    """Of the rate: a line up to 1, then 1 or half a cosine down to the floor."""
    rest = steps - warmup
    falls = [0.5 + 0.5 * math.cos(math.pi * step / rest) for step in range(rest)]
    after = {"constant": [1.0] * rest, "cosine": [FLOOR + (1 - FLOOR) * x for x in falls]}
    return [(step + 1) / warmup for step in range(warmup)] + after[schedule]


@both
@pytest.mark.parametrize("schedule", ["constant", "cosine"])
@pytest.mark.parametrize("warmup", [0, 3])
def test_the_rate_follows_its_schedule(tune, options, schedule, warmup, monkeypatch):
    """Once over pretraining, and once over all iterations of tuning together."""
    rates, step = [], FlatAdamW.step

    def spy(optimiser: FlatAdamW) -> None:
        rates.append(optimiser.learning_rate)
        step(optimiser)

    monkeypatch.setattr(FlatAdamW, "step", spy)
    counts = {"pretraining_steps": 9, "iterations": 2, "steps_per_iteration": 4}
    counts |= {"pretraining_rate": 0.02, "learning_rate": 0.005}
    how = {"warmup_steps": warmup, "schedule": schedule}
    tune(make_problem(), dataclasses.replace(options, **counts, **how))
    expected = [0.02 * share for share in shares(9, warmup, schedule)]
    expected += [0.005 * share for share in shares(8, warmup, schedule)]
    assert rates == pytest.approx(expected, rel=1e-9)


@both
def test_guidance_samples_at_temperature_one_alone(tune, options, problem, monkeypatch):
    """L_DT is of Eq. 4; what is written, judged and shown has the option's temperature."""
    model = MODELS[tune]
    temperatures, sample = [], model.sample

    def spy(self, y, generator, temperature):
        temperatures.append((torch.is_grad_enabled(), temperature))
        return sample(self, y, generator, temperature)

    monkeypatch.setattr(model, "sample", spy)
    tune(problem, dataclasses.replace(options, temperature=0.25))
    iteration = [(True, 1.0)] * options.steps_per_iteration + [(False, 0.25)]
    assert temperatures == [(False, 0.25), *iteration * options.iterations, (False, 0.25)]
