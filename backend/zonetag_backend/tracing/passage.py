"""Windows of gateways on both sides of a door -> which way somebody went through it, and when.  Pure.

The door model (`door.follow`) takes packets at all receivers at once; a gateway reports windows of some seconds.  So
time is cut into bins, and each gateway's level in a bin is the strongest of its windows that touch it.

Most of the day somebody sits on one side.  So the model is asked only around the moments at which the other side
becomes the stronger one, `TURN_MS` before and after them, and not at all where that never happens.

A page asks for a hundred people: all of them are worked out at once, in arrays that hold one part after the other.  A
part is a time of one person in which they are never long unheard.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from zonetag_backend.presence import merged
from zonetag_backend.tracing import door
from zonetag_backend.tracing.door import Floats
from zonetag_backend.tracing.door_sides import Ints, follow_all

BIN_MS = 1000  # shorter than a step through a door and back
QUIET_MS = 120_000  # unheard for so long on both sides is another visit to the door: nothing is carried over
TURN_MS = 30_000  # what the model needs around a turn: it has forgotten the rest by then
SMOOTH = 5  # bins over which the difference of the sides is averaged to find turns: about a gateway's window
TURN_DB = 1.0  # beyond, on the other side than before
INSIDE, OUTSIDE = "inside", "outside"
IN, OUT, UNKNOWN = "in", "out", "unknown"
SIDES = (INSIDE, OUTSIDE)

Window = tuple[str, int, int, int]
"""Gateway, from and to in UTC ms, and the 90th percentile in dBm."""
Heard = tuple[int, str, int, int, int]
"""Whose (any number), and a window."""


class Crossing(NamedTuple):
    """Through the door, once."""

    at_ms: int
    inwards: bool


class Way(NamedTuple):
    """What the door says of one stay."""

    state: str
    # IN or OUT by the last crossing; UNKNOWN while none is
    in_ms: int | None
    # when they came in through it; none: not seen
    out_ms: int | None
    # when they went out at the end; none: not seen, or in again


def way(seen: Iterable[Crossing]) -> Way:
    """Of the crossings about a stay, in order."""
    known = list(seen)
    if not known:
        return Way(UNKNOWN, None, None)
    first, last = known[0], known[-1]
    return Way(
        IN if last.inwards else OUT, first.at_ms if first.inwards else None, None if last.inwards else last.at_ms
    )


def crossings(windows: Iterable[Window], sides: Mapping[str, str]) -> list[Crossing]:
    """The crossings of one tag at one door, in order; none, and so unknown, while gateways hang on one side alone."""
    return crossings_of_all([(0, *window) for window in windows], sides).get(0, [])


def crossings_of_all(heard: Sequence[Heard], sides: Mapping[str, str]) -> dict[int, list[Crossing]]:
    """The same of many tags at once; those that have none are left out.  Rows may come in any order."""
    at = {name: column for column, name in enumerate(sorted(sides))}
    known = [row for row in heard if row[1] in at]
    if not known or {INSIDE, OUTSIDE} - set(sides.values()):
        return {}
    within = np.array([sides[name] == INSIDE for name in at])
    subject, names, start, end, dbm = zip(*known, strict=True)
    table = np.array((subject, [at[name] for name in names], start, end, dbm), np.int64)
    table = table[:, np.lexsort((table[2], table[0]))]
    parts = _Parts.of_table(table)
    levels = parts.levels(table, len(at))
    spans = _turns(levels, within, parts)
    rows = [low + np.flatnonzero(~np.isnan(levels[low:high]).all(axis=1)) for _, low, high in spans]
    times = [
        np.asarray((of - parts.base[part] + parts.first[part]) * (BIN_MS / 1000), np.float64)
        for (part, _, _), of in zip(spans, rows, strict=True)
    ]
    found: dict[int, list[Crossing]] = defaultdict(list)
    followed = follow_all(times, [levels[of] for of in rows], door.by_sides(within.tolist()))
    for (part, _, _), those in zip(spans, followed, strict=True):
        found[int(parts.subject[part])] += [Crossing(round(each.at_s * 1000), each.inwards) for each in those]
    return {who: those for who, those in found.items() if those}


class _Parts(NamedTuple):
    """Where each part stands in the array of bins, SMOOTH empty bins behind each."""

    of: Ints
    # of each window
    subject: Ints
    first: Ints
    # the bin of time it begins with
    base: Ints
    # the row of that bin
    length: Ints

    @classmethod
    def of_table(cls, table: Ints) -> "_Parts":
        """From columns of windows (subject, gateway, start, end, dBm), in order of subject and start."""
        subject, _, start, end, _ = table
        # The n-th subject's times are moved n times beyond all times, so that a silence and another subject are alike.
        moved = np.cumsum(np.diff(subject, prepend=subject[0]) != 0) * (int(end.max()) + QUIET_MS + 1)
        latest = np.maximum.accumulate(moved + end)
        new = np.append(True, moved[1:] + start[1:] - latest[:-1] > QUIET_MS)
        begins = np.flatnonzero(new)
        first = start[begins] // BIN_MS
        length = np.maximum.reduceat(end, begins) // BIN_MS - first + 1
        return cls(np.cumsum(new) - 1, subject[begins], first, np.cumsum(length + SMOOTH) - length - SMOOTH, length)

    def levels(self, table: Ints, gateways: int) -> Floats:
        """A row a bin, a column a gateway: the strongest window that touches the bin; NaN: none."""
        _, column, start, end, dbm = table
        low = self.base[self.of] + start // BIN_MS - self.first[self.of]
        many = end // BIN_MS - start // BIN_MS + 1
        rows = np.repeat(low - np.cumsum(many) + many, many) + np.arange(int(many.sum()))
        levels = np.full((int(self.base[-1] + self.length[-1]) + SMOOTH, gateways), np.nan)
        np.fmax.at(levels, (rows, np.repeat(column, many)), np.repeat(dbm, many).astype(np.float64))
        return levels


def _turns(levels: Floats, within: npt.NDArray[np.bool_], parts: _Parts) -> list[tuple[int, int, int]]:
    """Stretches (part, from row, before row) around each turn from one side to the other."""
    filled = np.where(np.isnan(levels), door.NOT_HEARD_DBM, levels)
    heard = ~np.isnan(levels).all(axis=1)
    difference = (filled[:, within].mean(axis=1) - filled[:, ~within].mean(axis=1)) * heard
    ones = np.ones(SMOOTH)
    smooth = np.convolve(difference, ones, "same") / np.maximum(np.convolve(heard, ones, "same"), 1)
    part = np.repeat(np.arange(len(parts.base)), parts.length + SMOOTH)
    there = np.arange(len(levels)) - parts.base[part] < parts.length[part]
    at = np.flatnonzero((np.abs(smooth) > TURN_DB) & there)
    turned = np.flatnonzero(((smooth[at[:-1]] > 0) != (smooth[at[1:]] > 0)) & (part[at[:-1]] == part[at[1:]]))
    reach, spans = TURN_MS // BIN_MS, defaultdict(list)
    for one, other in zip(at[turned].tolist(), at[turned + 1].tolist(), strict=True):
        spans[int(part[one])].append((one - reach, other + reach + 1))
    return [
        (of, max(low, int(parts.base[of])), min(high, int(parts.base[of] + parts.length[of])))
        for of, those in spans.items()
        for low, high in merged(those, 0)
    ]
