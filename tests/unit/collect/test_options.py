"""Options of the loop and of the agents."""

from trajprompt.collect.options import LoopOptions, SacOptions
from trajprompt.settings.options import parse_together


def test_an_option_set_to_none_has_its_default():
    given = {"episodes_per_task": 5, "width": None, "relabelled": None}
    loop, agent = parse_together((LoopOptions, SacOptions), given, "here")
    assert (loop.episodes_per_task, agent.width) == (5, SacOptions().width)


def test_integers_are_valid_for_floats_and_for_the_target_entropy():
    (agent,) = parse_together((SacOptions,), {"target_entropy": -3, "discount": 1}, "here")
    assert (agent.target_entropy, agent.discount) == (-3.0, 1.0)
    assert isinstance(agent.target_entropy, float)
