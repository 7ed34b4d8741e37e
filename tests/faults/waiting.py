"""Waiting on conditions; nothing here depends on the speed of the machine."""

import threading
from collections.abc import Callable

LIMIT_S = 120.0
LOOK_S = 0.01  # between two looks
_never = threading.Event()


class Stuck(AssertionError):
    """A condition that should have come has not: the run proves nothing."""


def until(done: Callable[[], bool], what: str, limit_s: float = LIMIT_S, look_s: float = LOOK_S) -> None:
    """Return once `done()`; Stuck names `what` otherwise."""
    looks = int(limit_s / look_s)
    for _ in range(looks):
        if done():
            return
        _never.wait(look_s)
    raise Stuck(f"waited {limit_s:g} s in vain: {what}")


def pause(seconds: float) -> None:
    """Let the processes run on for a random while that the caller has drawn: where in it a fault falls is its point."""
    _never.wait(seconds)
