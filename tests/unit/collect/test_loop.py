"""The schedule of the collection loop."""

from trajprompt.collect.loop import schedule
from trajprompt.collect.options import LoopOptions


def test_the_schedule_rounds_up_to_complete_rounds():
    options = LoopOptions(
        episodes_per_task=11, rows_per_task=4, random_episodes=5, greedy_episodes=1
    )
    assert schedule(options, 100) == (300, 200, 200)
