"""Where a person is, which way she faces, and whether she walks: waypoints and what follows from them.

Positions are metres, headings radians from the x axis, times seconds from the office's start.
"""

from bisect import bisect_right
from dataclasses import dataclass

import numpy as np

from zonetag_backend.simulate.dice import Floats
from zonetag_backend.simulate.plan import Point


@dataclass(frozen=True, slots=True)
class Passage:
    """Through a door at one moment."""

    at_s: float
    room: str | None
    # the room behind it; None for the street


@dataclass(frozen=True, slots=True)
class Track:
    """A person's whole way.  The first and the last waypoint hold for all time before and after."""

    times: Floats
    xs: Floats
    ys: Floats
    # waypoints; straight and even between them
    turns: Floats
    headings: Floats
    # from turns[i] on the wearer faces headings[i]
    walks: tuple[tuple[float, float], ...]
    # from .. to of each walk, in order, apart from each other
    passages: tuple[Passage, ...]
    # doors, in order

    def at(self, times: Floats) -> tuple[Floats, Floats, Floats]:
        """x, y and heading at each of `times`."""
        facing = self.headings[np.maximum(np.searchsorted(self.turns, times, "right") - 1, 0)]
        return np.interp(times, self.times, self.xs), np.interp(times, self.times, self.ys), facing

    def room_at(self, at_s: float) -> str | None:
        """The room at one moment; None for the street."""
        index = bisect_right([p.at_s for p in self.passages], at_s) - 1
        return self.passages[index].room if index >= 0 else None


def still(point: Point, heading: float = 0.0) -> Track:
    """The track of what never moves."""
    one = np.array([0.0])
    return Track(one, np.array([point[0]]), np.array([point[1]]), one, np.array([heading]), (), ())
