"""The office's plan: rooms with their doors, walls with what they cost, and where the gateways hang.  Metres, dB.

The street runs along the front at x < 0; the rooms form a tree whose root is the street, so that there is one way
from each place to each other.
"""

import math
from dataclasses import dataclass

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Room:
    """A rectangle with one door to the room (or street) it is entered from."""

    name: str
    low: Point
    high: Point
    # two opposite corners
    door: Point
    parent: str | None
    # the room before the door; None for the street


@dataclass(frozen=True, slots=True)
class Wall:
    """A straight wall; a radio path that crosses it is weakened."""

    start: Point
    end: Point
    loss_db: float


@dataclass(frozen=True, slots=True)
class Receiver:
    """Where a gateway hangs."""

    name: str
    # as in topics
    at: Point
    place: str
    # the place it stands for, as people say it
    kind: str
    # of that place: "entrance" or "room"


@dataclass(frozen=True, slots=True)
class Plan:
    """One office."""

    rooms: tuple[Room, ...]
    walls: tuple[Wall, ...]
    receivers: tuple[Receiver, ...]
    desks: str
    meetings: str
    breaks: str
    # names of the rooms for the three things that people do

    def room(self, name: str) -> Room:
        """The room of that name; KeyError when there is none."""
        for room in self.rooms:
            if room.name == name:
                return room
        raise KeyError(name)

    def up(self, name: str | None) -> list[Room]:
        """The rooms from `name` to the street, itself first; empty for the street."""
        way = []
        while name is not None:
            room = self.room(name)
            way.append(room)
            name = room.parent
        return way


PAIR_M = 1.2  # between two who sit face to face
COLUMN_M = 2.2
ROW_M = 2.8  # from pair to pair: back to back, 1.6 m lie between them


@dataclass(frozen=True, slots=True)
class Desk:
    """Where somebody sits, and which way she looks there."""

    at: Point
    facing: float
    # radians from the x axis


def desks(room: Room) -> list[Desk]:
    """Desks as they stand in an open office, in pairs face to face; neighbours stand beside each other in the list."""
    (low_x, low_y), (high_x, high_y) = room.low, room.high
    columns, rows = int((high_x - low_x) / COLUMN_M), int((high_y - low_y) / ROW_M)
    left, front = low_x + (high_x - low_x - (columns - 1) * COLUMN_M) / 2, low_y + (high_y - low_y - rows * ROW_M) / 2
    return [
        Desk((left + column * COLUMN_M, front + (row + 0.5) * ROW_M + side * PAIR_M / 2), -side * math.pi / 2)
        for column in range(columns)
        for row in range(rows)
        for side in (-1, 1)
    ]


BRICK_DB = 16.0  # the outer walls and the neighbours' fronts: brick, plastered on both sides
PARTITION_DB = 4.0  # plasterboard within
STREET_X = -3.0  # where people walk, before houses on both sides
STREET_M = 45.0  # from the middle of the street to its corners, where it is left for the side streets
_HALF_DOOR = 0.5


def _wall(start: Point, end: Point, loss_db: float, *doors: Point) -> list[Wall]:
    """An upright or level wall with gaps at its doors."""
    upright = start[0] == end[0]
    axis = 1 if upright else 0
    cuts = [start[axis]]
    for door in sorted(doors, key=lambda d: d[axis]):
        cuts += [door[axis] - _HALF_DOOR, door[axis] + _HALF_DOOR]
    cuts.append(end[axis])
    fixed = start[1 - axis]
    ends = [((fixed, cut) if upright else (cut, fixed)) for cut in cuts]
    return [Wall(ends[i], ends[i + 1], loss_db) for i in range(0, len(ends), 2)]


def small_office() -> Plan:
    """A commune's office on one floor, 24 m by 12 m: hall, open office, meeting room and kitchen; two gateways."""
    entrance, inner, meeting, kitchen = (0.0, 3.0), (6.0, 6.0), (18.0, 9.0), (18.0, 3.0)
    rooms = (
        Room("hall", (0.0, 0.0), (6.0, 12.0), entrance, None),
        Room("office", (6.0, 0.0), (18.0, 12.0), inner, "hall"),
        Room("meeting", (18.0, 6.0), (24.0, 12.0), meeting, "office"),
        Room("kitchen", (18.0, 0.0), (24.0, 6.0), kitchen, "office"),
    )
    walls = (
        # The front is shut by a door as thick as itself, so it has no gap; the neighbours' fronts go on from it, and
        # the houses across the street hide whoever has gone round a corner.
        *_wall((0.0, -STREET_M), (0.0, STREET_M), BRICK_DB),
        *_wall((2 * STREET_X, -STREET_M), (2 * STREET_X, STREET_M), BRICK_DB),
        *_wall((0.0, 0.0), (24.0, 0.0), BRICK_DB),
        *_wall((0.0, 12.0), (24.0, 12.0), BRICK_DB),
        *_wall((6.0, 0.0), (6.0, 12.0), PARTITION_DB, inner),
        *_wall((18.0, 0.0), (18.0, 12.0), PARTITION_DB, meeting, kitchen),
        *_wall((18.0, 6.0), (24.0, 6.0), PARTITION_DB),
    )
    receivers = (
        Receiver("entrance", (1.5, 4.0), "Cửa chính", "entrance"),
        Receiver("office", (14.0, 6.5), "Phòng làm việc", "room"),
    )
    return Plan(rooms, walls, receivers, desks="office", meetings="meeting", breaks="kitchen")
