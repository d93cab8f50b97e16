"""The schedule of the collection loop."""

from trajprompt.collect.loop import schedule
from trajprompt.collect.options import LoopOptions


def test_the_schedule_rounds_up_to_complete_rounds():
    options = LoopOptions(
        episodes_per_task=11, rows_per_task=4, random_episodes=5, greedy_episodes=1
    )
    assert schedule(options, 100) == (300, 200, 200)


def test_progress_runs_from_0_to_1_over_the_learning_phase():
    phases = schedule(
        LoopOptions(episodes_per_task=10, random_episodes=2, greedy_episodes=4), 100
    )
    learning = range(phases.random_until, phases.greedy_from)
    progress = [phases.progress(now) for now in learning]
    assert (progress[0], progress[200]) == (0.0, 0.5)
    assert progress[-1] == 399 / 400
