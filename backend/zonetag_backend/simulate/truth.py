"""What really happened in a simulated office: who was inside from when to when, and in which room."""

from dataclasses import dataclass

from zonetag_backend.simulate.track import Track


@dataclass(frozen=True, slots=True)
class TrueVisit:
    """One person's time between two crossings of the entrance."""

    person: int
    # by number
    came_s: float
    left_s: float | None
    # seconds from the office's start; None: still inside at its end


@dataclass(frozen=True, slots=True)
class InRoom:
    """One person's time in one room."""

    person: int
    room: str
    from_s: float
    to_s: float


def visits(tracks: list[Track], length_s: float) -> list[TrueVisit]:
    """The visits that begin before `length_s`, a person after the other, in order."""
    out = []
    for person, track in enumerate(tracks):
        came: float | None = None
        for passage in track.passages:
            if passage.at_s >= length_s:
                break
            if passage.room is None and came is not None:
                out.append(TrueVisit(person, came, passage.at_s))
                came = None
            elif came is None:
                came = passage.at_s
        if came is not None:
            out.append(TrueVisit(person, came, None))
    return out


def rooms(tracks: list[Track], length_s: float) -> list[InRoom]:
    """Who was in which room when, up to `length_s`, a person after the other, in order."""
    out = []
    for person, track in enumerate(tracks):
        ends = [p.at_s for p in track.passages[1:]] + [length_s]
        for passage, end in zip(track.passages, ends, strict=False):
            if passage.room is not None and passage.at_s < length_s:
                out.append(InRoom(person, passage.room, passage.at_s, min(end, length_s)))
    return out
