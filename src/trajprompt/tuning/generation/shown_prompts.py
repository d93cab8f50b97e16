"""Example prompts for the report: from the generator's data, and generated for them."""

import numpy as np
import torch

from trajprompt.adaptations.adaptation import Extra
from trajprompt.trajectories.segments import Segments
from trajprompt.tuning.generation.codec import PromptCodec
from trajprompt.tuning.generation.learner import EncodedPrompts, Generator
from trajprompt.tuning.prompt_vectors import distinct_indices, to_vectors

SHOWN_PER_ROW = 16


@torch.no_grad()
def shown_prompts(
    model: Generator,
    codec: PromptCodec,
    prompt_set: EncodedPrompts,
    temperature: float,
    generator: torch.Generator,
) -> dict[str, Extra]:
    """Return the first prompts (R, n, ..) of each row's set, and one generated for each."""
    first = (slice(None), slice(SHOWN_PER_ROW))
    given = prompt_set.prompts.select(first)
    sampled = model.sample(prompt_set.y[first], generator, temperature)
    generated = codec.decode(sampled, given)
    unit, shape = "as the backbone reads them", "(R, n, P (1 + S + A))"
    texts = {
        "data_prompts": f"{shape} prompts that the generator was tuned on",
        "written_prompts": f"{shape} prompts that it writes for their conditions",
    }
    vectors = [to_vectors(prompts).cpu().numpy() for prompts in (given, generated)]
    return {
        name: Extra(values, unit, text)
        for (name, text), values in zip(texts.items(), vectors, strict=True)
    }


def distinct_prompt_counts(prompt_set: Segments, training: Segments) -> dict[str, Extra]:
    """Count distinct prompts of each row's set (R, n, ..) and training task (T, n, ..)."""
    texts = {
        "different_prompts": (
            prompt_set,
            "(R,) different prompts that the row's set holds",
        ),
        "different_training_prompts": (
            training,
            "(T,) different prompts of each training task, learnt in pretraining",
        ),
    }
    found = {}
    for name, (prompts, text) in texts.items():
        sets = (prompts.select(group) for group in range(prompts.leading[0]))
        counts = np.array([len(distinct_indices(one)) for one in sets])
        found[name] = Extra(counts, "prompts", text)
    return found
