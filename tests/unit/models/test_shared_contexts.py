"""Actions after many prompts on common contexts, against plain forward passes."""

import pytest
import torch

from support.adapted_models import adapted_model
from support.tuning_problem import segments
from trajprompt.models.inference import InferenceModel
from trajprompt.models.shared_contexts import SharedContexts, encode


@pytest.mark.parametrize("adaptor", [0, 4])
@pytest.mark.parametrize("returns", [True, False])
@pytest.mark.parametrize("layers", [2, 3])
def test_equals_a_forward_pass_of_every_pair(adaptor, returns, layers):
    model = adapted_model(adaptor, uses_returns=returns, layers=layers)
    prompts, contexts = segments(4, length=5, seed=4), segments(3, length=20, seed=5)
    prompts.mask[2, :2] = False
    contexts.mask[1, :7] = False
    inference = InferenceModel(model, torch.float32)
    encoded = encode(inference, prompts)
    found = SharedContexts(inference, contexts).actions(encoded)  # (C, b, K, A)
    some = SharedContexts(inference, contexts).actions(encoded.select(slice(1, 3)))
    torch.testing.assert_close(some, found[1:3])
    for index in range(4):
        with torch.no_grad():
            expected = model(contexts, prompts.select(slice(index, index + 1)))
        known = found[index][contexts.mask], expected[contexts.mask]
        torch.testing.assert_close(*known, rtol=1e-5, atol=1e-5)
