"""Prompts that a generator leaves for the report: of its data, and its own for them."""

import numpy as np
import torch

from trajprompt.adaptations.adaptation import Extra
from trajprompt.trajectories.segments import Segments
from trajprompt.tuning.generation.codec import PromptCodec
from trajprompt.tuning.generation.learner import EncodedPrompts, Generator
from trajprompt.tuning.prompt_vectors import different, to_vectors

SHOWN = 16  # of each row


@torch.no_grad()
def shown_prompts(
    model: Generator,
    codec: PromptCodec,
    own: EncodedPrompts,
    temperature: float,
    generator: torch.Generator,
) -> dict[str, Extra]:
    """The first prompts (R, n, ..) of each row's set, and one written for each of them."""
    some = (slice(None), slice(SHOWN))
    given = own.prompts.select(some)
    written = codec.decode(model.sample(own.y[some], generator, temperature), given)
    unit, shape = "as the backbone reads them", "(R, n, P (1 + S + A))"
    texts = {
        "data_prompts": f"{shape} prompts that the generator was tuned on",
        "written_prompts": f"{shape} prompts that it writes for their conditions",
    }
    vectors = [to_vectors(prompts).cpu().numpy() for prompts in (given, written)]
    return {
        name: Extra(values, unit, text)
        for (name, text), values in zip(texts.items(), vectors, strict=True)
    }


def prompts_that_differ(own: Segments, training: Segments) -> dict[str, Extra]:
    """How many there are of the prompts (R, n, ..) and (T, n, ..) learnt from."""
    texts = {
        "different_prompts": (own, "(R,) different prompts that the row's set holds"),
        "different_training_prompts": (
            training,
            "(T,) different prompts of each training task, learnt in pretraining",
        ),
    }
    found = {}
    for name, (prompts, text) in texts.items():
        sets = (prompts.select(group) for group in range(prompts.leading[0]))
        counts = np.array([len(different(held)) for held in sets])
        found[name] = Extra(counts, "prompts", text)
    return found
