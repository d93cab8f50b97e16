"""Numbers of tuned parameters per prompt against closed forms."""

import dataclasses

import pytest

from support.tiny_methods import OF_TRANSFORMERS, OPTIONS, played
from support.tuning_problem import ACTION, PROMPT, STATE
from trajprompt.adaptations.read import read_adaptation
from trajprompt.adaptations.write import write_adaptation
from trajprompt.tuning.registry import get_method

__all__ = ["played"]  # fixture
W, LAYERS, INNER, TIMES = 16, 2, 32, 1000
VECTOR = PROMPT * (1 + STATE + ACTION)  # J H (return + state + action)
EMBEDDING = W * (1 + STATE + ACTION + 3) + TIMES * W
BLOCK = 4 * (W * W + W) + 2 * (W * INNER) + INNER + W + 2 * 2 * W
ALL = 2 * EMBEDDING + LAYERS * BLOCK + 2 * 2 * W + W * ACTION + ACTION
EXPECTED = {
    "none": 0,
    "retrieval": 0,
    "full-finetune": ALL,
    "adaptor": LAYERS * (2 * W * 4 + 4 + W + 2 * W),
    "lora": LAYERS * 2 * 2 * OPTIONS["lora"].rank * W,
    "prefix-tuning": LAYERS * 2 * 3 * PROMPT * W,
}
GENERATORS = {"prompt-diffuser", "prompt-vae", "diffuser-ptdt"}


@pytest.mark.parametrize("name", sorted(set(OF_TRANSFORMERS) - GENERATORS))
def test_tuned_parameters(name, problem, played, tmp_path):
    adaptation = get_method(name).tune(problem, OPTIONS[name])
    write_adaptation(tmp_path / "a.h5", problem, adaptation, {"suite": "cheetah-vel"})
    stored = read_adaptation(tmp_path / "a.h5")
    assert stored.attributes["tuned_parameters"] == EXPECTED.get(name, VECTOR)


@pytest.mark.parametrize("name", sorted(GENERATORS))
def test_generators_tune_their_networks(name, problem, played):
    """Their closed forms are in the tests of the networks."""
    adaptation = get_method(name).tune(problem, OPTIONS[name])
    assert adaptation.parameters > VECTOR


def test_the_count_grows_with_the_rank(problem):
    tune = get_method("lora").tune
    for rank in (1, 4):
        options = dataclasses.replace(OPTIONS["lora"], rank=rank, iterations=1)
        assert tune(problem, options).parameters == LAYERS * 2 * 2 * rank * W
