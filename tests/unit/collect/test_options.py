"""Options of the loop and of the agents."""

from trajprompt.collect.options import LoopOptions, SacOptions
from trajprompt.settings.options import parse_together


def test_an_option_of_none_is_an_option_not_given():
    given = {"episodes_per_task": 5, "width": None, "relabelled": None}
    loop, agent = parse_together((LoopOptions, SacOptions), given, "here")
    assert (loop.episodes_per_task, agent.width) == (5, SacOptions().width)


def test_a_number_may_be_whole_and_a_target_entropy_given():
    (agent,) = parse_together((SacOptions,), {"target_entropy": -3, "discount": 1}, "here")
    assert (agent.target_entropy, agent.discount) == (-3.0, 1.0)
    assert isinstance(agent.target_entropy, float)
