"""Stacked play against the play of one backbone, and independence of the stack."""

import numpy as np
import pytest

from support.played_backbones import make_backbone, make_prompts, observations, play
from trajprompt.errors import TrajpromptError
from trajprompt.models.lockstep import LockstepPolicy
from trajprompt.models.stacked_lockstep import Actor, StackedPolicy
from trajprompt.settings.kinds import TRANSFORMERS

TARGET = 300.0


def actor(
    seed: int, rows: int = 7, name: str = "prompt-dt", padded=False, **sizes
) -> Actor:
    backbone = make_backbone(seed, name, **sizes)
    takes = backbone.config.uses_prompt
    prompts = make_prompts(seed, rows, padded) if takes else None
    return Actor(backbone, prompts, rows, TARGET + seed)


def played(actors: list[Actor], precision: str = "fp32") -> list[np.ndarray]:
    """Actions of every actor; what an actor sees depends on its backbone alone."""
    seen = [observations(int(one.backbone.return_scale), one.rows) for one in actors]
    joined = [np.concatenate(parts, axis=1) for parts in zip(*seen, strict=True)]
    actions = play(StackedPolicy(actors, precision), *joined)
    ends = np.cumsum([one.rows for one in actors])
    return np.split(actions, ends[:-1], axis=1)


def alone(one: Actor, precision: str = "fp32") -> np.ndarray:
    policy = LockstepPolicy(
        one.backbone, one.prompts, one.rows, one.target_return, precision
    )
    return play(policy, *observations(int(one.backbone.return_scale), one.rows))


def assert_as_alone(actors: list[Actor]) -> None:
    for one, found in zip(actors, played(actors), strict=True):
        assert found.std() > 0.1  # the model is not trivial
        np.testing.assert_allclose(found, alone(one), atol=1e-5)


@pytest.mark.parametrize("name", TRANSFORMERS)
@pytest.mark.parametrize("layers", [2, 3, 4])
def test_a_stack_plays_as_each_backbone_alone(name, layers):
    assert_as_alone([actor(seed, name=name, layers=layers) for seed in range(3)])


def test_padded_prompts_are_masked():
    assert_as_alone([actor(0, padded=True), actor(1, padded=True), actor(2)])


@pytest.mark.parametrize("layers", [2, 3])
def test_adaptors_are_applied(layers):
    assert_as_alone([actor(seed, layers=layers, adaptor=4) for seed in range(2)])


@pytest.mark.parametrize("layers", [2, 3])
def test_prefixes_are_applied(layers):
    assert_as_alone([actor(seed, layers=layers, prefix=3) for seed in range(2)])


def test_actors_of_several_shapes_keep_their_rows():
    shapes = [
        actor(0),
        actor(1, rows=3),
        actor(2, name="mt-orl"),
        actor(3),
        actor(4, rows=3),
    ]
    assert len(StackedPolicy(shapes).groups) == 3
    assert_as_alone(shapes)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("rows", [1, 7, 50])
def test_bits_of_an_actor_do_not_depend_on_the_stack(precision, rows):
    actors = [actor(seed, rows) for seed in range(3)]
    together = played(actors, precision)
    for chosen in ((0,), (1,), (2,), (2, 0), (1, 2, 0)):
        for index, found in zip(
            chosen, played([actors[i] for i in chosen], precision), strict=True
        ):
            np.testing.assert_array_equal(found, together[index])


def test_an_engine_used_again_plays_as_a_new_one():
    actors, engines = [actor(seed) for seed in range(2)], {}
    seen = observations(0, 14)
    padded = [
        Actor(one.backbone, make_prompts(5, 7, padded=True), 7, TARGET) for one in actors
    ]
    for chosen in (padded, actors, padded):
        again = play(StackedPolicy(chosen, "fp32", engines=engines), *seen)
        np.testing.assert_array_equal(again, play(StackedPolicy(chosen, "fp32"), *seen))
    assert len(engines) == 1


def test_bfloat16_stays_close():
    actors = [actor(seed) for seed in range(2)]
    exact, short = played(actors), played(actors, "bf16")
    assert np.abs(np.array(exact) - np.array(short)).mean() < 5e-2


def test_prompts_must_fit():
    wrong = Actor(make_backbone(0), make_prompts(0, 3), 7, TARGET)
    with pytest.raises(TrajpromptError, match="one prompt for each of 7 rows"):
        StackedPolicy([wrong])
