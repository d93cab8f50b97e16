"""The diffusion model against known schedulers and mixtures; gradients of its chain."""

import dataclasses
import math

import pytest
import torch
from diffusers import DDPMScheduler

from trajprompt.errors import TrajpromptError
from trajprompt.seeds import stream, torch_generator
from trajprompt.tasks.registry import get_suite
from trajprompt.tuning.generation import diffusion as prompt_diffusion
from trajprompt.tuning.generation.diffusion import DiffusionConfig, PromptDiffusion
from trajprompt.tuning.generation.learner import Learner
from trajprompt.tuning.generation.noise_schedule import NoiseSchedule

SMALL = DiffusionConfig(features=3, conditions=2, steps=25, width=16, dropout=0.0)


def generator(seed: int = 0) -> torch.Generator:
    return torch_generator(stream(seed, "test"))


def reference(steps: int, clip: bool = False) -> DDPMScheduler:
    scale = 1000 / steps
    return DDPMScheduler(
        num_train_timesteps=steps,
        beta_start=1e-4 * scale,
        beta_end=0.02 * scale,
        beta_schedule="linear",
        variance_type="fixed_small",
        clip_sample=clip,
    )


@pytest.mark.parametrize("steps", [25, 100, 1000])
def test_noising_equals_the_reference(steps):
    schedule, known = NoiseSchedule(steps), reference(steps)
    kept = known.alphas_cumprod
    torch.testing.assert_close(schedule.signal, kept.sqrt(), rtol=1e-4, atol=1e-7)
    torch.testing.assert_close(schedule.noise, (1 - kept).sqrt(), rtol=1e-4, atol=1e-7)
    x0, noise = torch.randn(2, 4, 3, generator=generator()).unbind(0)
    step = torch.tensor([[0, steps // 2, steps // 3, steps - 1]])
    found = schedule.noisy(x0.unsqueeze(0), step, noise.unsqueeze(0))[0]
    expected = known.add_noise(x0, noise, step[0])
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("step", [0, 1, 50, 98, 99])
@pytest.mark.parametrize("clip", [False, True])
def test_one_reverse_step_equals_the_reference(step, clip):
    """Without a bound the mean is Eq. 17."""
    schedule, known = NoiseSchedule(100), reference(100, clip)
    x, noise = torch.randn(2, 1, 5, 3, generator=generator()).unbind(0)
    expected = known.step(noise, step, x, generator=generator(1)).prev_sample
    fresh = torch.randn(x.shape, generator=generator(1))
    implied = schedule.implied(x, noise, step)
    mean = schedule.mean(x, implied, step, 1.0 if clip else math.inf)
    found = mean + schedule.deviation(step, 1.0) * fresh
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    if not clip:
        beta, kept = known.betas[step], known.alphas_cumprod[step]
        equation = (x - beta / (1 - kept).sqrt() * noise) / (1 - beta).sqrt()
        torch.testing.assert_close(mean, equation, rtol=1e-3, atol=1e-3)


def test_forward_noising_has_the_moments_of_the_chain():
    """Noise added step by step (Eq. 3) or at once has the same mean and variance."""
    schedule, rng = NoiseSchedule(100), generator()
    betas = reference(100).betas
    x0 = torch.full((1, 40_000, 1), 0.7)
    x = x0.clone()
    for step in range(60):
        fresh = torch.randn(x.shape, generator=rng)
        x = (1 - betas[step]).sqrt() * x + betas[step].sqrt() * fresh
    noise = torch.randn(x.shape, generator=rng)
    at_once = schedule.noisy(x0, torch.full((1, 40_000), 59), noise)
    for found in (x, at_once):
        expected = float(schedule.signal[59]) * 0.7
        assert found.mean().item() == pytest.approx(expected, abs=0.02)
        assert found.var().item() == pytest.approx(float(schedule.noise[59]) ** 2, rel=0.03)
    assert float(schedule.signal[-1]) < 0.01  # the prompt has vanished


def test_too_few_steps_are_refused():
    with pytest.raises(TrajpromptError, match="diffusion_steps.*20.*at least 21"):
        NoiseSchedule(20)


def mixture(y: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Draw (R, B, 2): first value ±0.6, more often + if y is +1; second value 0.5 y."""
    plus = torch.rand(y.shape[:2], generator=rng) < 0.5 + 0.3 * y[..., 0]
    first = torch.where(plus, 0.6, -0.6)
    centres = torch.stack([first, 0.5 * y[..., 0]], dim=-1)
    return centres + 0.05 * torch.randn(centres.shape, generator=rng)


def signs(rows: int, count: int, rng: torch.Generator) -> torch.Tensor:
    return torch.randint(2, (rows, count, 1), generator=rng).float() * 2 - 1


class ExactNoise:
    """Exact noise by the density of the mixture, in place of a network."""

    def __init__(self, model: PromptDiffusion):
        self.schedule = model.schedule

    def condition(self, y: torch.Tensor) -> torch.Tensor:
        return torch.cat([y, torch.zeros_like(y)], dim=-1)

    def time(self, features: torch.Tensor) -> torch.Tensor:
        step = torch.arange(features.shape[1]).expand(features.shape[:2])
        return torch.stack([torch.zeros_like(step), step], dim=-1).float()

    def __call__(self, x: torch.Tensor, inner: torch.Tensor) -> torch.Tensor:
        y, step = inner[..., :1], inner[0, 0, 1].long()
        signal, noise = self.schedule.signal[step], self.schedule.noise[step]
        variance = (0.05 * signal) ** 2 + noise**2
        modes = torch.stack([torch.full_like(y, m) for m in (-0.6, 0.6)])  # (2, R, B, 1)
        centres = torch.cat([modes, 0.5 * y.expand_as(modes)], dim=-1) * signal
        weights = torch.stack([0.5 - 0.3 * y, 0.5 + 0.3 * y])  # (2, R, B, 1)
        away = x - centres  # (2, R, B, 2)
        powers = weights.log() - away.square().sum(-1, keepdim=True) / (2 * variance)
        return (powers.softmax(dim=0) * away).sum(0) * noise / variance


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_the_reverse_chain_recovers_a_mixture_from_its_exact_noise(sign, monkeypatch):
    monkeypatch.setattr(prompt_diffusion, "_NoiseNetwork", ExactNoise)
    config = DiffusionConfig(2, 1, steps=1000)
    model = PromptDiffusion.fresh(config, generator())
    found = model.sample(torch.full((1, 4000, 1), sign), generator(1), 1.0)[0]
    plus = found[:, 0] > 0
    assert plus.float().mean().item() == pytest.approx(0.5 + 0.3 * sign, abs=0.03)
    for side, centre in ((plus, 0.6), (~plus, -0.6)):
        assert found[side, 0].mean().item() == pytest.approx(centre, abs=0.01)
        assert found[side, 0].std().item() == pytest.approx(0.05, rel=0.15)
    assert found[:, 1].mean().item() == pytest.approx(0.5 * sign, abs=0.01)
    assert found[:, 1].std().item() == pytest.approx(0.05, rel=0.15)


def test_low_temperature_narrows_the_samples(monkeypatch):
    monkeypatch.setattr(prompt_diffusion, "_NoiseNetwork", ExactNoise)
    model = PromptDiffusion.fresh(DiffusionConfig(2, 1, steps=100), generator())
    y = torch.ones(1, 2000, 1)
    spreads = [model.sample(y, generator(1), t)[..., 1].std() for t in (0.0, 0.5, 1.0)]
    assert spreads[0] < spreads[1] < spreads[2]


@pytest.mark.slow
def test_a_network_learns_the_mixture_under_its_condition():
    """Tolerances are wide: a small network, trained for seconds, blurs the two modes."""
    rng = generator()
    config = DiffusionConfig(2, 1, steps=50, width=64, dropout=0.0)
    learner = Learner(PromptDiffusion.fresh(config, rng), 2, 3e-3)
    for _ in range(1000):
        y = signs(2, 128, rng)
        x0 = mixture(y, rng)
        x0[1] = -x0[1]  # each row has its own data
        learner.descend(learner.gradient(learner.model.loss(x0, y, rng)))
    for sign in (-1.0, 1.0):
        y = torch.full((2, 2000, 1), sign)
        with torch.no_grad():
            found = learner.model.sample(y, rng, temperature=1.0)
        for row in (found[0], -found[1]):
            plus = (row[:, 0] > 0).float().mean().item()
            assert plus == pytest.approx(0.5 + 0.3 * sign, abs=0.15)
            assert row[:, 0].abs().median().item() == pytest.approx(0.6, abs=0.25)
            assert row[:, 1].mean().item() == pytest.approx(0.5 * sign, abs=0.1)
            assert row[:, 1].std().item() < 0.15


def test_rows_are_independent():
    fresh = PromptDiffusion.fresh(SMALL, generator())
    learner = Learner(fresh, 2, 1e-3)
    x0, y = torch.randn(2, 4, 3), torch.randn(2, 4, 2)
    changed = x0.clone(), y.clone()
    for values in changed:
        values[1] += 1.0
    gradients = [
        learner.gradient(learner.model.loss(*given, generator(1)))
        for given in ((x0, y), changed)
    ]
    assert torch.equal(gradients[0][0], gradients[1][0])
    assert not torch.equal(gradients[0][1], gradients[1][1])
    sampled = [learner.model.sample(c, generator(1), 1.0) for c in (y, changed[1])]
    assert torch.equal(sampled[0][0], sampled[1][0])
    learner.descend(gradients[0])
    before = fresh.vectors[0]
    moved = (learner.vectors.detach() - before).abs()
    assert (moved > 0).any(dim=1).all()


def test_dropout_affects_only_the_loss():
    plain = PromptDiffusion.fresh(SMALL, generator())
    config = dataclasses.replace(SMALL, dropout=0.5)
    dropping = PromptDiffusion(config, plain.vectors)
    x0, y = torch.randn(1, 8, 3), torch.randn(1, 8, 2)
    assert not torch.equal(
        plain.loss(x0, y, generator(1)), dropping.loss(x0, y, generator(1))
    )
    assert torch.equal(
        plain.sample(y, generator(1), 1.0), dropping.sample(y, generator(1), 1.0)
    )


# PD prints 0.17M for all suites: the rounded count of the ant, and of the mean of the four.
COUNTS = {"cheetah-dir": 143_031, "cheetah-vel": 143_031, "ant-dir": 166_116}


@pytest.mark.parametrize("suite", [*COUNTS, "reach"])
def test_parameter_counts(suite):
    known = get_suite(suite)
    features = 5 * (known.state_dim + known.action_dim + 1)
    model = PromptDiffusion.fresh(DiffusionConfig(features, 10), generator())
    expected = COUNTS.get(suite, 186_636)
    assert model.layers.parameters == model.vectors.numel() == expected


STEPS, FEATURES, CHAINS = 25, 3, 32  # of SMALL


def normal(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(shape, generator=generator(seed)).double()


def test_gradients_reach_the_weights():
    """Against central differences along random directions, one per layer, in float64.

    All steps share these weights. The test below checks that each step contributes.
    """
    fresh = PromptDiffusion.fresh(SMALL, generator())
    vectors = fresh.vectors.double().repeat(2, 1).requires_grad_()
    y, weigh = normal(2, 3, 2, seed=1), normal(2, 3, FEATURES, seed=2)

    def value(weights: torch.Tensor) -> torch.Tensor:
        x0 = fresh.with_vectors(weights).sample(y, generator(3), temperature=1.0)
        return (x0 * weigh).sum()

    gradient = torch.autograd.grad(value(vectors), vectors)[0]
    assert gradient.isfinite().all()
    first = 0
    for size in fresh.layers.sizes:
        part = slice(first, first + size)
        assert gradient[:, part].norm() > 0
        direction = torch.zeros_like(vectors)
        direction[:, part] = normal(2, size, seed=4)
        with torch.no_grad():
            ahead = value(vectors + 1e-5 * direction)
            behind = value(vectors - 1e-5 * direction)
        along = ((ahead - behind) / 2e-5).item()
        assert (gradient * direction).sum().item() == pytest.approx(along, rel=1e-4)
        first += size


class ShiftedNoise(prompt_diffusion._NoiseNetwork):
    """The noise predictor, plus a separate offset (B, d) at every step of one chain."""

    def __init__(self, model: PromptDiffusion, offsets: torch.Tensor):
        super().__init__(model)
        self.schedule, self.offsets = model.schedule, offsets  # (N, B, d)
        self.step = model.config.steps
        self.denoised = torch.empty_like(offsets)  # the x_0 that each step implies

    def __call__(self, x, inner, generator=None):
        self.step -= 1
        noise = super().__call__(x, inner) + self.offsets[self.step]
        signal, factor = self.schedule.signal[self.step], self.schedule.noise[self.step]
        self.denoised[self.step] = ((x - factor * noise) / signal).detach()[0]
        return noise


def trained() -> torch.Tensor:
    """Return weights after 200 steps on prompts in ±0.7; they denoise to values in ±1."""
    rng = generator(5)
    learner = Learner(PromptDiffusion.fresh(SMALL, rng), 1, 1e-2)
    for _ in range(200):
        y = torch.randn(1, 64, 2, generator=rng)
        x0 = 0.5 * y[..., :1].tanh() + 0.2 * torch.rand(1, 64, FEATURES, generator=rng)
        learner.descend(learner.gradient(learner.model.loss(x0, y, rng)))
    return learner.vectors.detach()


@pytest.mark.parametrize("learned", [False, True], ids=["fresh", "trained"])
@pytest.mark.parametrize("largest", [math.inf, 1.0], ids=["Eq. 17", "clipped"])
def test_each_step_alone_affects_the_sample(largest, learned, monkeypatch):
    """The noise of one step is shifted; the network predicts the noise of the others.

    With Eq. 17 every step has a derivative. With the bound, the derivative is that of the
    clipped chain, which does not estimate that of Eq. 17: a step contributes to a prompt if
    one of its denoised values is inside ±1, unless the last step clips the entire prompt.
    """
    config = DiffusionConfig(FEATURES, 2, STEPS, 16, dropout=0.0, largest=largest)
    vectors = trained() if learned else PromptDiffusion.fresh(SMALL, generator()).vectors
    model = PromptDiffusion(config, vectors.double())
    y, weigh = normal(1, CHAINS, 2, seed=1), normal(1, CHAINS, FEATURES, seed=2)
    networks = []

    def sampled(offsets: torch.Tensor) -> torch.Tensor:
        def shifted(model: PromptDiffusion) -> ShiftedNoise:
            networks.append(ShiftedNoise(model, offsets))
            return networks[-1]

        monkeypatch.setattr(prompt_diffusion, "_NoiseNetwork", shifted)
        return (model.sample(y, generator(3), temperature=1.0) * weigh).sum()

    zero = torch.zeros(STEPS, CHAINS, FEATURES, dtype=torch.float64, requires_grad=True)
    gradient = torch.autograd.grad(sampled(zero), zero)[0]
    inside = networks[0].denoised.abs() < largest
    counts = inside.any(dim=2) & inside[0].any(dim=1)  # (N, B)
    assert torch.equal(gradient.ne(0).any(dim=2), counts)
    assert not gradient[~inside].any()
    if math.isinf(largest):
        assert counts.all()
    assert counts.any(dim=1).sum() > (STEPS // 2 if learned else 1)
    direction = normal(STEPS, CHAINS, FEATURES, seed=4)
    for step in range(STEPS):
        alone = torch.zeros_like(direction)
        alone[step] = 1e-6 * direction[step]
        with torch.no_grad():
            along = ((sampled(alone) - sampled(-alone)) / 2e-6).item()
        found = (gradient[step] * direction[step]).sum().item()
        assert found == pytest.approx(along, rel=1e-4, abs=1e-5), step
