"""Loops of several seeds that play their episodes together.

Each loop is ordinary code in a thread of its own. Only one thread runs at a time, in a
fixed order, until it asks for episodes or ends. Once every live loop waits for episodes,
all requests are played as one rollout. Results therefore do not depend on timing. If every
loop draws from random generators of its own, they do not depend on the other loops either.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from trajprompt.errors import Interrupted
from trajprompt.rollout.loop import Episodes
from trajprompt.rollout.requests import Player, Request

Result = TypeVar("Result")
Work = Callable[[Player], Result]


class Cancelled(BaseException):
    """Raised in a waiting loop after another one failed."""


class _Loop(Generic[Result]):
    """A loop in its thread; `advance` runs it to its next request or to its end."""

    def __init__(self, work: Work[Result]):
        self.request: Request | None = None
        self.episodes: Episodes | None = None
        self.error: BaseException | None = None
        self.results: list[Result] = []
        self.finished = self.cancelled = False
        self._turn, self._done = threading.Semaphore(0), threading.Semaphore(0)
        self.thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self.thread.start()

    def advance(self, episodes: Episodes | None = None) -> None:
        """Give the loop its turn, with the episodes it asked for."""
        self.request, self.episodes = None, episodes
        self._turn.release()
        self._done.acquire()

    def _run(self, work: Work[Result]) -> None:
        self._turn.acquire()
        try:
            self.results.append(work(self._play))
        except BaseException as error:  # raised again by `play_together`
            self.error = error
        self.finished = True
        self._done.release()

    def _play(self, request: Request) -> Episodes:
        """Wait for the episodes of ``request`` (a `Player`)."""
        self.request = request
        self._done.release()
        self._turn.acquire()
        if self.cancelled:
            raise Cancelled
        assert self.episodes is not None
        return self.episodes


def play_together(
    works: Sequence[Work[Result]], play: Callable[[Sequence[Request]], list[Episodes]]
) -> list[Result]:
    """Run all ``works``, each with a player; return their results.

    Raises the first error of a loop, after the others were cancelled at their next request.
    After an interruption no other loop begins. Those that wait for episodes end by
    themselves: they received the signal too, and finish their steps first.
    """
    loops: list[_Loop[Result]] = []
    try:
        for work in works:
            loops.append(_Loop(work))
            _advance(loops[-1])
            if loops[-1].error is not None:  # an interruption
                break
        while waiting := [loop for loop in loops if not loop.finished]:
            requests = [loop.request for loop in waiting if loop.request is not None]
            for loop, episodes in zip(waiting, play(requests), strict=True):
                _advance(loop, episodes)
    finally:
        for loop in loops:
            # Ctrl-C can end this function while a loop runs; that loop is not waited for.
            if loop.request is not None:
                loop.cancelled = True
                loop.advance()
    for loop in loops:
        if loop.error is not None:
            raise loop.error
    return [loop.results[0] for loop in loops]


def _advance(loop: _Loop[Result], episodes: Episodes | None = None) -> None:
    loop.advance(episodes)
    if loop.error is not None and not isinstance(loop.error, Interrupted):
        raise loop.error
