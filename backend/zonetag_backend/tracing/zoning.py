"""Places and hours: where a case was, and who was there when.  Pure."""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from zonetag_backend.presence import merged
from zonetag_backend.tracing.encounter import PLACE_GAP_MS, Meetings


class Stop(NamedTuple):
    """The case at one place without a longer break."""

    place: int
    start_ms: int
    end_ms: int
    others: tuple[tuple[int, int, int], ...]
    # who else was there: (person, from, to), in order of time


def zones(stays: Iterable[tuple[int, int, int]], shared: Meetings) -> list[Stop]:
    """Each stop of a case, in order: `stays` are (place, from, to) of the case, `shared` who was there meanwhile."""
    by_place: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for place, start, end in stays:
        by_place[place].append((start, end))
    there: dict[int, dict[int, list[tuple[int, int]]]] = defaultdict(lambda: defaultdict(list))
    for (_, other), rows in shared.items():
        for _, _, place, start, end in rows:
            there[place][other].append((start, end))
    stops = []
    for place, spans in by_place.items():
        others = {other: merged(at, PLACE_GAP_MS) for other, at in there[place].items()}
        for start, end in merged(spans, PLACE_GAP_MS):
            met = [
                (max(start, low), min(end, high), other)
                for other, at in others.items()
                for low, high in at
                if low < end and high > start
            ]
            stops.append(Stop(place, start, end, tuple((other, low, high) for low, high, other in sorted(met))))
    return sorted(stops, key=lambda stop: (stop.start_ms, stop.place))
