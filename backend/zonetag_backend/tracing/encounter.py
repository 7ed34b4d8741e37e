"""Rows of the store -> encounters of two people, by kind of evidence.  Pure.

A person may wear several tags, a tag may be worn by several people one after the other: rows come already cut to who
wore what (store/meetings.py), and here readings of the same two people at the same time count once.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from zonetag_backend.tracing import seam
from zonetag_backend.tracing.minutes import Piece, pieces
from zonetag_backend.tracing.seam import Both, Closeness, Look

DIRECT = "direct"  # a tag heard the other's
PLACE = "place"  # gateways heard both at one place
# Two periods of a log further apart than this are two encounters: a look may be missed, three in a row may not.
DIRECT_GAP_MS = 180_000
# Two looks in a row may miss a tag that is there: at 80 % radio success that is one time in 25.
FILL_MS = 64_000
NIGHT_MS = 14_400_000  # not heard for longer: another day, perhaps at another desk
PLACE_GAP_MS = 60_000  # as in presence: it closes smaller gaps itself
REST_MS = 1_800_000  # apart for longer is another encounter


Shared = tuple[int, int, int, int, int]
"""Two people at one place at once, as the store's row has it: (who was asked for, the other's tag, place, from, to)."""
Meetings = dict[tuple[int, int], list[Shared]]
"""By who was asked for and the other person; plain tuples, since there are thousands for a person's fortnight."""


class Noted(NamedTuple):
    """What one tag's log says of another's, of two people, for one look."""

    asked: int
    other: int
    reporter: int
    # the tag that heard
    look: Look


class Encounter(NamedTuple):
    """Two people near each other without a longer break."""

    asked: int
    other: int
    evidence: str
    # DIRECT or PLACE
    places: tuple[int, ...]
    # where; empty for DIRECT
    start_ms: int
    end_ms: int
    pieces: tuple[Piece, ...]


Heard = Mapping[int, Sequence[tuple[int, str, int]]]
"""By person: (UTC ms, gateway, dBm) of all their tags, in order of time."""


def direct(noted: Iterable[Noted], model: Closeness) -> list[Encounter]:
    """Encounters from contact logs.  Both directions, and all tags of the two, are readings of the same thing."""
    series: dict[tuple[int, int], dict[int, list[Look]]] = defaultdict(lambda: defaultdict(list))
    for row in noted:
        if row.asked != row.other:  # somebody's own two tags
            series[row.asked, row.other][row.reporter].append(row.look)
    out = []
    for (asked, other), by_reporter in series.items():
        covered: list[Piece] = []
        for looks in by_reporter.values():
            looks.sort()
            covered += _filled([Piece(look.start_ms, look.end_ms, 0.0) for look in looks])
        runs = [pieces(run, DIRECT_GAP_MS) for run in _runs(overlaid(covered), DIRECT_GAP_MS)]
        judged = iter(_judged([piece for run in runs for piece in run], by_reporter.values(), model))
        for run in runs:
            told = tuple(next(judged) for _ in run)
            out.append(Encounter(asked, other, DIRECT, (), run[0].start_ms, run[-1].end_ms, told))
    return out


def _judged(of: Sequence[Piece], heard: Iterable[Sequence[Look]], model: Closeness) -> Iterable[Piece]:
    """The pieces of two people with what the model says of them, day by day."""
    begin = [piece.start_ms for piece in of]
    levels: list[list[int]] = [[] for _ in of]
    for looks in heard:
        for look in looks:
            levels[bisect_right(begin, (look.start_ms + look.end_ms) // 2) - 1].append(look.rssi_p90)
    days = [n for n, (a, b) in enumerate(pairwise(of), 1) if b.start_ms - a.end_ms > NIGHT_MS]
    for first, end in pairwise([0, *days, len(of)]):
        day = [
            seam.Heard(piece.end_ms - piece.start_ms, sorted(each))
            for piece, each in zip(of[first:end], levels[first:end], strict=True)
        ]
        for piece, worlds in zip(of[first:end], model.direct(day), strict=True):
            yield Piece(piece.start_ms, piece.end_ms, sum(worlds) / len(worlds), worlds)


def of_place(model: Closeness) -> float:
    """The probability for a time at one place of which nothing else is known."""
    return model.place(Both(0, 0, 0, (), ()))


def place(shared: Meetings, model: Closeness, heard: Heard | None = None) -> list[Encounter]:
    """Encounters from presence.  Who sits where does not change within one: it is a single piece."""
    out = []
    for (asked, other), rows in shared.items():
        rows.sort(key=_start)
        # Without what was heard a model sees nothing in which two times at a place differ: it is asked once.
        blind = of_place(model) if heard is None else 0.0
        places: dict[int, None] = {}
        of: list[Piece] = []
        begin, start, end = rows[0][3], rows[0][3], rows[0][3]
        for _, _, where, low, high in rows:
            if low - end > PLACE_GAP_MS:
                of.append(Piece(start, end, blind))
                start = low
                if low - end > REST_MS:
                    out.append(Encounter(asked, other, PLACE, tuple(places), begin, end, tuple(of)))
                    begin, places, of = low, {}, []
            places[where] = None
            end = max(end, high)
        of.append(Piece(start, end, blind))
        out.append(Encounter(asked, other, PLACE, tuple(places), begin, end, tuple(of)))
    return out if heard is None else [_seen(each, shared[each.asked, each.other], model, heard) for each in out]


def _seen(blind: Encounter, rows: Sequence[Shared], model: Closeness, heard: Heard) -> Encounter:
    """The encounter with what gateways heard of both looked at, piece by piece; of several places, the likeliest."""
    mine, theirs = heard.get(blind.asked, ()), heard.get(blind.other, ())
    seen = []
    for piece in blind.pieces:
        inside = [row for row in rows if piece.start_ms <= row[3] and row[4] <= piece.end_ms]
        probability = max(
            model.place(
                Both(
                    where,
                    low,
                    high,
                    [each for each in mine if low <= each[0] <= high],
                    [each for each in theirs if low <= each[0] <= high],
                )
            )
            for _, _, where, low, high in inside
        )
        seen.append(piece._replace(probability=probability))
    return blind._replace(pieces=tuple(seen))


def overlaid(read: Sequence[Piece]) -> list[Piece]:
    """Pieces that do not overlap, in order: where several readings cover a time, the mean of them."""
    if all(a.end_ms <= b.start_ms for a, b in pairwise(read)):
        return list(read)
    edges = sorted({edge for piece in read for edge in piece[:2]})
    ordered = sorted(read)
    out: list[Piece] = []
    active: list[Piece] = []
    at = 0
    for start, end in pairwise(edges):
        while at < len(ordered) and ordered[at].start_ms <= start:
            active.append(ordered[at])
            at += 1
        active = [piece for piece in active if piece.end_ms > start]
        if active:
            out.append(Piece(start, end, sum(piece.probability for piece in active) / len(active)))
    return out


def _filled(read: Sequence[Piece]) -> list[Piece]:
    """Looks of one tag at another, and between them, where a look or two heard nothing, what those beside say."""
    out = list(read[:1])
    for piece in read[1:]:
        before = out[-1]
        if 0 < piece.start_ms - before.end_ms <= FILL_MS:
            out.append(Piece(before.end_ms, piece.start_ms, (before.probability + piece.probability) / 2))
        out.append(piece)
    return out


def _runs(read: Sequence[Piece], gap_ms: int) -> list[list[Piece]]:
    runs: list[list[Piece]] = []
    for piece in read:
        if runs and piece.start_ms - runs[-1][-1].end_ms <= gap_ms:
            runs[-1].append(piece)
        else:
            runs.append([piece])
    return runs


def _start(row: Shared) -> int:
    return row[3]
