"""Loops that play together: order, loops of different lengths, errors, interruptions."""

import os
import signal
import threading
import time
from types import SimpleNamespace

import pytest

from trajprompt.errors import Interrupted, TrajpromptError
from trajprompt.rollout.broker import play_together


class Table:
    """Player whose episodes are the requests, doubled; it logs the rollouts."""

    def __init__(self) -> None:
        self.rollouts: list[list[int]] = []

    def __call__(self, requests):
        self.rollouts.append(list(requests))
        return [2 * request for request in requests]


def loop(start: int, rounds: int, log: list[int] | None = None):
    def work(player):
        total = 0
        for number in range(rounds):
            if log is not None:
                log.append(start)
            total += player(start + number)
        return total

    return work


def test_loops_of_different_lengths_play_together_in_order():
    table, log = Table(), []
    works = [loop(10, 3, log), loop(20, 1, log), loop(30, 2, log), loop(40, 0, log)]
    assert play_together(works, table) == [66, 40, 122, 0]
    assert table.rollouts == [[10, 20, 30], [11, 31], [12]]
    assert log == [10, 20, 30, 10, 30, 10]


def test_only_one_loop_runs_at_a_time():
    running = []

    def work(player):
        for _ in range(20):
            running.append(1)
            time.sleep(0.001)  # lets another loop run, if one may
            assert len(running) == 1
            running.pop()
            player(1)

    play_together([work] * 4, Table())


def test_an_error_of_a_loop_cancels_the_others():
    def failing(player):
        player(1)
        raise TrajpromptError("here", "found", "expected", "remedy")

    ended = []

    def waiting(player):
        try:
            while True:
                player(2)
        finally:
            ended.append(True)

    before = threading.active_count()
    with pytest.raises(TrajpromptError, match="here"):
        play_together([waiting, failing, waiting], Table())
    assert len(ended) == 2 and threading.active_count() == before


def test_an_error_of_the_play_cancels_all():
    def play(requests):
        raise ValueError("simulator")

    before = threading.active_count()
    with pytest.raises(ValueError, match="simulator"):
        play_together([loop(0, 3), loop(0, 3)], play)
    assert threading.active_count() == before


def test_after_an_interruption_the_others_finish_their_steps():
    stop = SimpleNamespace(signal=None)
    finished = []

    def work(player):
        for step in range(5):
            player(step)
            player(step)
            if stop.signal is not None:
                finished.append(step)
                raise Interrupted(15, "loop", step + 1, 5, None)

    def play(requests):
        if requests == [1, 1]:
            stop.signal = 15
        return requests

    with pytest.raises(Interrupted):
        play_together([work, work], play)
    assert finished == [1, 1]


def test_after_an_interruption_no_other_loop_begins():
    begun = []

    def interrupted(player):
        begun.append("interrupted")
        raise Interrupted(15, "loop", 1, 5, None)

    before = threading.active_count()
    with pytest.raises(Interrupted):
        play_together(
            [loop(0, 2), interrupted, lambda player: begun.append("late")], Table()
        )
    assert begun == ["interrupted"] and threading.active_count() == before


def test_a_running_loop_is_not_waited_for_if_the_main_thread_is_interrupted():
    """A second Ctrl-C ends the wait; loops that wait for episodes are cancelled."""
    end, ended = threading.Event(), []

    def waiting(player):
        try:
            player(1)
        finally:
            ended.append("waiting")

    def running(player):
        time.sleep(0.05)  # until the main thread waits; it gets the signal
        os.kill(os.getpid(), signal.SIGINT)
        end.wait(10)
        ended.append("running")

    # A shell ignores SIGINT in what it runs in the background.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            play_together([waiting, running], Table())
        assert ended == ["waiting"]
    finally:
        signal.signal(signal.SIGINT, before)
        end.set()
