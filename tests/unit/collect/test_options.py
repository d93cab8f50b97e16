"""Options of the loop and of the agents."""

import pytest

from trajprompt.collect.options import TEACHERS, LoopOptions, SacOptions
from trajprompt.errors import TrajpromptError
from trajprompt.settings.options import parse_together


def test_an_option_set_to_none_has_its_default():
    given = {"episodes_per_task": 5, "width": None, "relabelled": None}
    loop, agent = parse_together((LoopOptions, SacOptions), given, "here")
    assert (loop.episodes_per_task, agent.width) == (5, SacOptions().width)


def test_integers_are_valid_for_floats_and_for_the_target_entropy():
    (agent,) = parse_together((SacOptions,), {"target_entropy": -3, "discount": 1}, "here")
    assert (agent.target_entropy, agent.discount) == (-3.0, 1.0)
    assert isinstance(agent.target_entropy, float)


@pytest.mark.parametrize(
    "given, message",
    [
        ({"rows": 4, "rollout": 10, "minibatch": 13}, "minibatch: found 13; .* of the 40 "),
        ({"rows": 1, "rollout": 1}, "minibatch: found 512; .* of the 1 transitions"),
        ({"minibatch": 1}, "minibatch: found 1; expected .* 2"),
        ({"steps": 0}, "steps: found 0; expected .* 1"),
    ],
)
def test_options_of_ppo_that_leave_one_transition_or_no_step_are_refused(given, message):
    with pytest.raises(TrajpromptError, match=f"here.{message}"):
        parse_together(TEACHERS["ppo"], {"steps": 100, **given}, "here")


def test_a_minibatch_of_two_transitions_is_enough():
    given = {"steps": 100, "rows": 4, "rollout": 10, "minibatch": 19}
    ppo, _ = parse_together(TEACHERS["ppo"], given, "here")
    assert ppo.minibatch == 19
