"""Who was really near whom in a simulated office: the truth that tracing is judged by."""

from dataclasses import dataclass

import numpy as np

from zonetag_backend.simulate.dice import Floats
from zonetag_backend.simulate.track import Track

STEP_S = 4.0  # a walk of two steps' length is not missed, and a day is 9,000 moments


@dataclass(frozen=True, slots=True)
class Met:
    """Two people in one room, within reach of each other, without a break."""

    one: int
    other: int
    # by number, `one` the smaller
    from_s: float
    to_s: float
    # seconds from the office's start; to a step


def meetings(tracks: list[Track], length_s: float, reach_m: float) -> list[Met]:
    """Who was within `reach_m` of whom in the same room, looked at every STEP_S; pair by pair, in order of time."""
    times: Floats = np.arange(0.0, length_s, STEP_S)
    places = [track.at(times)[:2] for track in tracks]
    names = sorted({p.room for track in tracks for p in track.passages if p.room is not None})
    rooms = [_rooms(track, times, {name: number for number, name in enumerate(names)}) for track in tracks]
    found = []
    for one in range(len(tracks)):
        for other in range(one + 1, len(tracks)):
            apart = np.hypot(places[one][0] - places[other][0], places[one][1] - places[other][1])
            near = (apart <= reach_m) & (rooms[one] == rooms[other]) & (rooms[one] >= 0)
            edges = np.flatnonzero(np.diff(np.concatenate([[0], near.astype(np.int8), [0]])))
            for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
                found.append(Met(one, other, float(times[start]), float(times[start]) + (end - start) * STEP_S))
    return found


def _rooms(track: Track, times: Floats, numbers: dict[str, int]) -> np.typing.NDArray[np.int64]:
    """The number of the room at each time; -1 for the street."""
    behind = np.array([-1, *(-1 if p.room is None else numbers[p.room] for p in track.passages)], np.int64)
    doors = np.array([p.at_s for p in track.passages])
    rooms: np.typing.NDArray[np.int64] = behind[np.searchsorted(doors, times, "right")]
    return rooms
