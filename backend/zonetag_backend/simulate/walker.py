"""Turns a person's day into a track: along the rooms' doors, at her own pace, to desk, meeting and kitchen."""

import math
from itertools import pairwise

import numpy as np

from zonetag_backend.simulate.dice import dice
from zonetag_backend.simulate.plan import STREET_M, STREET_X, Desk, Plan, Point, Room
from zonetag_backend.simulate.schedule import Meeting, Stay
from zonetag_backend.simulate.track import Passage, Track

_FAR_M = 300.0  # as far from the door as anybody goes
_CORNER_M = STREET_M + 1.0  # up to here along the street, then round the corner, behind the houses across
_MARGIN_M = 0.7  # nobody sits in the wall
_TURN_S = (120.0, 600.0)  # a seated person turns about this often,
_TURNING = 0.35  # by up to 63 degrees to either side of what she looks at


class Walker:
    """Collects the waypoints of one person."""

    def __init__(self, plan: Plan, seed: int, person: int, today: int | None = None, desk: Desk | None = None) -> None:
        """`today`: the seed of what differs from day to day, if that is another; `desk`: hers, if it is fixed."""
        self._plan = plan
        self._roll = dice(seed, "walker", person)
        self._door = plan.up(plan.desks)[-1].door  # from the street
        self._pace = self._roll.uniform(1.0, 1.5)  # m/s
        anywhere = self._spot(plan.room(plan.desks))
        self._desk = anywhere if desk is None else desk.at
        self._facing = None if desk is None else desk.facing
        self._street = 1.0 if self._roll.random() < 0.5 else -1.0  # which way home is
        if today is not None and today != seed:
            self._roll = dice(today, "walker", person)
        self._points: list[tuple[float, Point]] = []
        self._turns: list[tuple[float, float]] = []
        self._walks: list[tuple[float, float]] = []
        self._passages: list[Passage] = []
        self._room: str | None = None

    def track(self, stays: list[Stay], meetings: list[Meeting], length_s: float) -> Track:
        """The track through all `stays`."""
        door = self._door
        before: float | None = None
        for stay in stays:
            # As far away as there is time for since the last going, half of it out and half of it back.
            away = _FAR_M if before is None else min(_FAR_M, (stay.enter_s - before) / 2 * self._pace)
            way_in = [*reversed(self._way_out(away)), door]
            if before is None:
                self._points.append((stay.enter_s - _length(way_in) / self._pace, way_in[0]))
            else:
                self._walk_along(self._way_out(away))
                # Whoever turned round at once would come early; whoever has time stands about.
                self._wait(stay.enter_s - _length(way_in) / self._pace)
            self._walk_along(way_in[:-1])
            self._inside(stay, meetings, length_s)
            before = self._now if stay.leave_s is not None else None
        if before is not None:
            self._walk_along(self._way_out(_FAR_M))
        return self._finished()

    def _way_out(self, away_m: float) -> list[Point]:
        """From before the door to `away_m` along the street and round its corner."""
        y = self._door[1]
        corner = self._street * _CORNER_M
        along = abs(corner - y)
        if away_m <= along:
            return [(STREET_X, y), (STREET_X, y + self._street * away_m)]
        return [(STREET_X, y), (STREET_X, corner), (STREET_X - (away_m - along), corner)]

    def _walk_along(self, way: list[Point]) -> None:
        for point in way:
            self._walk_to(point)

    @property
    def _now(self) -> float:
        return self._points[-1][0]

    def _inside(self, stay: Stay, meetings: list[Meeting], length_s: float) -> None:
        """From the street before the door to the street before the door."""
        leave = math.inf if stay.leave_s is None else stay.leave_s
        ends = min(leave, length_s)
        for start, end, room in self._wishes(stay.enter_s, ends, meetings, length_s):
            self._go(self._plan.desks, self._desk)
            self._sit(start, self._facing)
            spot = self._spot(self._plan.room(room))
            self._go(room, spot)
            self._sit(min(end, ends), None if self._facing is None else _inwards(self._plan.room(room), spot))
        self._go(self._plan.desks, self._desk)
        self._sit(ends, self._facing)
        if stay.leave_s is not None:
            self._go(None, (STREET_X, self._door[1]))

    def _wishes(
        self, enter_s: float, ends: float, meetings: list[Meeting], length_s: float
    ) -> list[tuple[float, float, str]]:
        """(start, end, room) of what is not done at the desk, in order and apart."""
        wishes = [(m.start_s, m.end_s, self._plan.meetings) for m in meetings if enter_s + 60 < m.start_s < ends - 60]
        between = min(length_s / 5, 5400.0)
        at = enter_s + self._roll.uniform(0.3, 1.0) * between
        while at < ends - 60:
            wishes.append((at, at + self._roll.uniform(0.03, 0.1) * between, self._plan.breaks))
            at += self._roll.uniform(0.6, 1.4) * between
        apart: list[tuple[float, float, str]] = []
        for wish in sorted(wishes):
            if not apart or wish[0] > apart[-1][1] + 30:
                apart.append(wish)
        return apart

    def _spot(self, room: Room) -> Point:
        return (
            float(self._roll.uniform(room.low[0] + _MARGIN_M, room.high[0] - _MARGIN_M)),
            float(self._roll.uniform(room.low[1] + _MARGIN_M, room.high[1] - _MARGIN_M)),
        )

    def _go(self, room: str | None, spot: Point) -> None:
        """To a spot of a room (None: the street), through the doors between."""
        here, there = self._plan.up(self._room), self._plan.up(room)
        while here and there and here[-1] == there[-1]:
            here.pop()
            there.pop()
        for left in here:
            self._walk_to(left.door)
            self._passages.append(Passage(self._now, left.parent))
        for entered in reversed(there):
            self._walk_to(entered.door)
            self._passages.append(Passage(self._now, entered.name))
        self._walk_to(spot)
        self._room = room

    def _walk_to(self, point: Point) -> None:
        start, here = self._points[-1]
        distance = math.dist(here, point)
        if distance == 0:
            return
        end = start + distance / self._pace
        self._turns.append((start, math.atan2(point[1] - here[1], point[0] - here[0])))
        self._points.append((end, point))
        if self._walks and self._walks[-1][1] == start:
            start = self._walks.pop()[0]
        self._walks.append((start, end))

    def _sit(self, until: float, facing: float | None) -> None:
        """Stay where she is, facing one way and then another: mostly `facing`, if she has whom or what to look at."""
        at = self._now
        while at < until:
            turn = float(self._roll.uniform(-math.pi, math.pi))
            self._turns.append((at, turn if facing is None else facing + _TURNING * turn))
            at += self._roll.uniform(*_TURN_S)
        self._wait(until)

    def _wait(self, until: float) -> None:
        if until > self._now:
            self._points.append((until, self._points[-1][1]))

    def _finished(self) -> Track:
        return Track(
            np.array([at for at, _ in self._points]),
            np.array([point[0] for _, point in self._points]),
            np.array([point[1] for _, point in self._points]),
            np.array([at for at, _ in self._turns]),
            np.array([heading for _, heading in self._turns]),
            tuple(self._walks),
            tuple(self._passages),
        )


def _inwards(room: Room, spot: Point) -> float:
    """From a spot to the middle of its room."""
    return math.atan2((room.low[1] + room.high[1]) / 2 - spot[1], (room.low[0] + room.high[0]) / 2 - spot[0])


def _length(path: list[Point]) -> float:
    return sum(math.dist(a, b) for a, b in pairwise(path))
