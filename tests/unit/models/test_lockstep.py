"""Step-by-step inference against the model's forward pass on explicit windows."""

import numpy as np
import pytest
import torch

from trajprompt.errors import TrajpromptError
from trajprompt.models import lockstep
from trajprompt.models.backbone import Backbone
from trajprompt.models.lockstep import LockstepPolicy
from trajprompt.models.prompt_dt import (
    BackboneConfig,
    PromptDT,
    backbone_inputs,
)
from trajprompt.openvino import is_installed
from trajprompt.settings.kinds import TRANSFORMERS
from trajprompt.trajectories.normaliser import Normaliser
from trajprompt.trajectories.segments import Segments

STATES, ACTIONS, ROWS, STEPS, K, PROMPT = 5, 3, 11, 34, 6, 4
ENGINES = ["torch", *(["openvino"] if is_installed() else [])]


def skip_without_bfloat16(engine: str) -> None:
    """OpenVINO refuses bfloat16 on processors that do not have it."""
    if engine == "openvino":
        from openvino import Core

        if "BF16" not in Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            pytest.skip("this processor has no bfloat16")


TARGET, SCALE = 300.0, 50.0


def make_backbone(
    name: str, seed: int = 0, layers: int = 3, adaptor: int = 0, context_length: int = K,
    prefix: int = 0,
) -> Backbone:  # fmt: skip
    torch.manual_seed(seed)
    config = BackboneConfig(
        STATES, ACTIONS, *backbone_inputs(name), width=32, inner=64, layers=layers,
        context_length=context_length, max_timestep=STEPS - 3, adaptor=adaptor,
        prefix=prefix,
    )  # fmt: skip
    model = PromptDT(config).eval()
    with torch.no_grad():  # far from the initial near-linear regime
        for parameter in (*model.blocks.parameters(), *model.adaptors.parameters()):
            parameter.add_(0.2 * torch.randn_like(parameter))
    normaliser = Normaliser(torch.randn(STATES), torch.rand(STATES) + 0.5)
    return Backbone(name, "toy", model, normaliser, SCALE, config)


def make_prompts(rows: int = ROWS, padded: bool = False) -> Segments:
    generator = torch.Generator().manual_seed(1)
    mask = torch.ones(rows, PROMPT, dtype=torch.bool)
    if padded:
        mask[: rows // 2, 0] = False
    return Segments(
        torch.randn(rows, PROMPT, 1, generator=generator),
        torch.randn(rows, PROMPT, STATES, generator=generator),
        torch.rand(rows, PROMPT, ACTIONS, generator=generator),
        torch.randint(0, STEPS - 3, (rows, PROMPT), generator=generator),
        mask,
    )


def play(policy, rows: int = ROWS) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Observations (T, N, S), rewards (T, N) and the policy's actions (T, N, A)."""
    rng = np.random.default_rng(2)
    observations = rng.normal(size=(STEPS, rows, STATES)).astype(np.float32)
    rewards = rng.normal(size=(STEPS, rows))
    actions = []
    for t in range(STEPS):
        actions.append(policy.act(observations[t]))
        policy.receive(rewards[t])
    return observations, rewards, np.stack(actions)


def forward_on_windows(
    backbone: Backbone, observations: np.ndarray, rewards: np.ndarray, actions: np.ndarray,
    prompts: Segments | None,
) -> np.ndarray:  # fmt: skip
    """(T, N, A): a left-padded window per step, through PromptDT.forward."""
    rows, length = observations.shape[1], backbone.config.context_length
    states = backbone.normaliser.normalise(torch.from_numpy(observations))
    spent = np.cumsum(rewards, axis=0) - rewards
    returns = torch.from_numpy((TARGET - spent) / SCALE).float()
    expected = []
    for t in range(observations.shape[0]):
        first = max(0, t - length + 1)
        n = t - first + 1
        context = Segments(
            *(torch.zeros(rows, length, size) for size in (1, STATES, ACTIONS)),
            torch.zeros(rows, length, dtype=torch.int64),
            torch.zeros(rows, length, dtype=torch.bool),
        )
        context.returns_to_go[:, length - n :, 0] = returns[first : t + 1].T
        context.states[:, length - n :] = states[first : t + 1].transpose(0, 1)
        known = torch.from_numpy(actions[first:t]).transpose(0, 1)  # the newest is unknown
        context.actions[:, length - n : length - 1] = known
        context.timesteps[:, length - n :] = torch.arange(first, t + 1)
        context.mask[:, length - n :] = True
        with torch.no_grad():
            expected.append(backbone.model(context, prompts)[:, -1].numpy())
    return np.stack(expected)


def fp32(backbone: Backbone, prompts: Segments | None, engine: str) -> LockstepPolicy:
    return LockstepPolicy(backbone, prompts, ROWS, TARGET, "fp32", engine=engine)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", TRANSFORMERS)
@pytest.mark.parametrize("layers", [2, 3, 4])
def test_float32_equals_forward_on_windows(name, layers, engine):
    backbone = make_backbone(name, layers=layers)
    prompts = make_prompts() if backbone.config.uses_prompt else None
    played = play(fp32(backbone, prompts, engine))
    expected = forward_on_windows(backbone, *played, prompts)
    assert expected.std() > 0.1  # the model is not trivial
    np.testing.assert_allclose(played[2], expected, atol=1e-5)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("length", [1, 2, 40])
def test_windows_of_one_step_and_longer_than_the_episode(length, engine):
    backbone, prompts = make_backbone("prompt-dt", context_length=length), make_prompts()
    played = play(fp32(backbone, prompts, engine))
    expected = forward_on_windows(backbone, *played, prompts)
    np.testing.assert_allclose(played[2], expected, atol=1e-5)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", ["prompt-dt", "mt-orl"])
@pytest.mark.parametrize("layers", [2, 3])
def test_adaptors_equal_forward_on_windows(name, layers, engine):
    backbone = make_backbone(name, layers=layers, adaptor=4)
    plain = make_backbone(name, layers=layers)
    prompts = make_prompts() if backbone.config.uses_prompt else None
    played = play(fp32(backbone, prompts, engine))
    expected = forward_on_windows(backbone, *played, prompts)
    without = play(fp32(plain, prompts, engine))
    assert np.abs(played[2] - without[2]).max() > 0.1  # the adaptors have an effect
    np.testing.assert_allclose(played[2], expected, atol=1e-5)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", ["prompt-dt", "mt-orl"])
@pytest.mark.parametrize("layers", [2, 3])
@pytest.mark.parametrize("hidden", [False, True])
def test_prefixes_equal_forward_on_windows(name, layers, engine, hidden):
    """Also with a hidden prompt, which prefix tuning leaves."""
    backbone = make_backbone(name, layers=layers, prefix=5)
    with torch.no_grad():
        for block in backbone.model.blocks:
            block.prefix.values.mul_(10.0)
    prompts = make_prompts() if backbone.config.uses_prompt else None
    if prompts is not None and hidden:
        prompts = prompts._replace(mask=torch.zeros_like(prompts.mask))
    played = play(fp32(backbone, prompts, engine))
    expected = forward_on_windows(backbone, *played, prompts)
    for block in backbone.model.blocks:
        block.prefix = None
    without = forward_on_windows(backbone, *played, prompts)
    assert np.abs(expected - without).max() > 0.1  # the prefixes have an effect
    np.testing.assert_allclose(played[2], expected, atol=1e-5)


@pytest.mark.parametrize("engine", ENGINES)
def test_padded_prompts_are_masked(engine):
    backbone, prompts = make_backbone("prompt-dt"), make_prompts(padded=True)
    played = play(fp32(backbone, prompts, engine))
    expected = forward_on_windows(backbone, *played, prompts)
    np.testing.assert_allclose(played[2], expected, atol=1e-5)


def trained_size(name: str) -> Backbone:
    """A backbone with weights as small as trained ones; those of the others exaggerate."""
    backbone = make_backbone(name)
    with torch.no_grad():
        for parameter in backbone.model.blocks.parameters():
            parameter.mul_(0.5)
    return backbone


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", TRANSFORMERS)
def test_bfloat16_stays_close(name, engine):
    skip_without_bfloat16(engine)
    backbone = trained_size(name)
    prompts = make_prompts() if backbone.config.uses_prompt else None
    played = play(LockstepPolicy(backbone, prompts, ROWS, TARGET, "bf16", engine=engine))
    expected = forward_on_windows(backbone, *played, prompts)
    assert np.abs(played[2] - expected).max() < 3e-2
    assert np.abs(played[2] - expected).mean() < 5e-3


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_bits_do_not_depend_on_threads(precision, engine):
    if precision == "bf16":
        skip_without_bfloat16(engine)
    backbone, rows = make_backbone("prompt-dt"), 3 * lockstep.CPU_CHUNK + 1
    prompts = make_prompts(rows)
    one, two, again = (
        play(
            LockstepPolicy(backbone, prompts, rows, TARGET, precision, threads, engine),
            rows,
        )[2]
        for threads in (1, 2, 1)
    )
    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(one, again)


@pytest.mark.skipif(not is_installed(), reason="OpenVINO is not installed")
def test_chunks_of_unequal_size_share_a_compiled_step():
    backbone, rows = make_backbone("prompt-dt"), 2 * lockstep.CPU_CHUNK - 1
    prompts, states = make_prompts(rows), np.ones((rows, STATES), np.float32)
    policy = LockstepPolicy(backbone, prompts, rows, TARGET, "fp32", engine="openvino")
    assert len(policy.windows) == 2 and policy.act(states).shape == (rows, ACTIONS)
    assert len({id(window.engine.steps[window.form]) for window in policy.windows}) == 1


@pytest.mark.skipif(not is_installed(), reason="OpenVINO is not installed")
def test_changed_weights_are_compiled_again():
    backbone, prompts = make_backbone("prompt-dt"), make_prompts()
    before = play(fp32(backbone, prompts, "openvino"))[2]
    with torch.no_grad():
        backbone.model.blocks[1].expand.weight[0, 0] += 1.0
    played = play(fp32(backbone, prompts, "openvino"))
    assert np.abs(played[2] - before).max() > 1e-4
    expected = forward_on_windows(backbone, *played, prompts)
    np.testing.assert_allclose(played[2], expected, atol=1e-5)


@pytest.mark.skipif(not is_installed(), reason="OpenVINO is not installed")
def test_a_model_that_is_trained_on_does_not_change_a_kept_engine():
    backbone, states = make_backbone("prompt-dt"), np.ones((ROWS, STATES), np.float32)
    before = fp32(backbone, make_prompts(), "openvino").act(states)
    same = make_backbone("prompt-dt")
    with torch.no_grad():
        for parameter in backbone.model.parameters():
            parameter.mul_(0.5)
    more = LockstepPolicy(  # another number of rows is compiled from the kept weights
        same, make_prompts(ROWS + 1), ROWS + 1, TARGET, "fp32", engine="openvino"
    ).act(np.ones((ROWS + 1, STATES), np.float32))
    again = fp32(same, make_prompts(), "openvino").act(states)
    np.testing.assert_array_equal(again, before)
    torch_engine = fp32(same, make_prompts(), "torch").act(states)
    np.testing.assert_allclose(before, torch_engine, atol=1e-5)
    assert more.shape == (ROWS + 1, ACTIONS)


def test_prompts_must_fit():
    with pytest.raises(TrajpromptError, match="one prompt for each of 11 rows"):
        LockstepPolicy(make_backbone("prompt-dt"), make_prompts(3), ROWS, TARGET)
    with pytest.raises(TrajpromptError, match="mt-orl takes no prompt"):
        LockstepPolicy(make_backbone("mt-orl"), make_prompts(), ROWS, TARGET)
