"""Records of contact logs -> direct encounters, many thousand records at once.  Pure.

`encounter.direct` says what is meant: look by look, as objects.  Here the same is computed upon arrays, equal to the
last bit: a chain of two generations may have a million looks to judge.  Of what is computed in floating point every
single operation is done in the order of the plain way, only for many pieces at once; tests hold the two together.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from zonetag_backend.tracing.closeness import Calibrated
from zonetag_backend.tracing.encounter import DIRECT, DIRECT_GAP_MS, FILL_MS, Encounter, Noted
from zonetag_backend.tracing.minutes import PIECE_MS, Piece
from zonetag_backend.tracing.seam import Closeness, Look
from zonetag_protocol.contact import CELL_S, CELLS, dbm, levels
from zonetag_protocol.rotation import EPOCH_S

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Record = tuple[int, int, int, int, bytes, int, int]
"""(asked, other, the tag that heard, start of the epoch, its cells, from, to): of two people, as far as both wore."""

CELL_MS = CELL_S * 1000
EPOCH_MS = EPOCH_S * 1000
_AT_ONCE = 4096  # records, or a single pair's: what lies in the processor's own memory is done twice as fast
_SHIFT = 44  # bits of a time within a key: 500 years of ms


class _Looks(NamedTuple):
    """Looks in order of series and time; a series is what one tag heard of one person."""

    pair: Ints
    series: Ints
    start: Ints
    end: Ints
    # ms since the first record
    half: NDArray[np.uint8]
    # as in the record's cells


class _Pieces(NamedTuple):
    """Pieces of time in order of pair and time."""

    pair: Ints
    start: Ints
    end: Ints
    probability: Floats


def noted(records: Iterable[Record]) -> list[Noted]:
    """The looks of records, one by one."""
    return [
        Noted(asked, other, reporter, Look(begin, stop, level, level, 1))
        for asked, other, reporter, start, cells, low, high in records
        for cell, half in enumerate(levels(cells))
        if (level := dbm(half)) is not None
        and (begin := max(start + cell * CELL_MS, low)) < (stop := min(start + (cell + 1) * CELL_MS, high))
    ]


def direct(records: Iterable[Record], model: Closeness) -> list[Encounter]:
    """What `encounter.direct` says of the looks of these records, in order of the pairs' first records."""
    by_pair: dict[tuple[int, int], list[Record]] = {}
    for record in records:
        if record[0] != record[1]:  # somebody's own two tags
            of = by_pair.get(record[:2])
            if of is None:
                by_pair[record[:2]] = [record]
            else:
                of.append(record)
    out: list[Encounter] = []
    some: list[list[Record]] = []
    waiting = 0
    for of in by_pair.values():
        some.append(of)
        waiting += len(of)
        if waiting >= _AT_ONCE:
            out += _encounters(some, model)
            some, waiting = [], 0
    return out + _encounters(some, model) if some else out


def _encounters(pairs: Sequence[list[Record]], model: Closeness) -> list[Encounter]:
    base = min(record[3] for of in pairs for record in of)
    looks = _looks(pairs, base)
    if not len(looks.pair):
        return []
    read = _overlaid(_filled(looks, _judged(looks, model)))
    whom = [(of[0][0], of[0][1]) for of in pairs]
    return _put_together(read, whom, base)


def _looks(pairs: Sequence[list[Record]], base: int) -> _Looks:
    ordered: list[tuple[int, int, int, bytes, int, int]] = []  # pair, series, start, cells, low, high
    numbers: dict[tuple[int, int], int] = {}
    for pair, of in enumerate(pairs):
        for _, _, reporter, begin, cells, since, until in sorted(of, key=_by_reporter):
            number = numbers.setdefault((pair, reporter), len(numbers))
            ordered.append((pair, number, begin - base, cells, since - base, until - base))
    pair_of, series_of, starts, cells_of, lows, highs = zip(*ordered, strict=True)
    packed = np.frombuffer(b"".join(cells_of), np.uint8).reshape(-1, CELLS // 2)
    halves = np.empty((len(packed), CELLS), np.uint8)
    halves[:, 0::2], halves[:, 1::2] = packed >> 4, packed & 15
    row, cell = np.nonzero(halves)
    start = np.array(starts, np.int64)[row] + cell * CELL_MS
    end = np.minimum(start + CELL_MS, np.array(highs, np.int64)[row])
    start = np.maximum(start, np.array(lows, np.int64)[row])
    kept = np.flatnonzero(start < end)
    row, start, end, half = row[kept], start[kept], end[kept], halves[row[kept], cell[kept]]
    series = np.array(series_of, np.int64)[row]
    order = _order(series << _SHIFT | start, end, half)
    return _Looks(np.array(pair_of, np.int64)[row[order]], series[order], start[order], end[order], half[order])


def _judged(looks: _Looks, model: Closeness) -> Floats:
    """What the model says of each look, series by series."""
    if isinstance(model, Calibrated):
        # By the middle, which clipping may bring out of the order of beginnings.
        middle = (looks.series << _SHIFT) + looks.start + looks.end
        order = np.argsort(middle, kind="stable")
        found = np.empty(len(order))
        found[order] = model.of_cells(middle[order], looks.half[order])
        return found
    said: list[float] = []
    for of in np.split(np.arange(len(looks.series)), np.flatnonzero(np.diff(looks.series)) + 1):
        told = [dbm(half) or 0 for half in looks.half[of].tolist()]
        times = zip(looks.start[of].tolist(), looks.end[of].tolist(), told, strict=True)
        said += model.direct([Look(start, end, level, level, 1) for start, end, level in times])
    return np.array(said)


def _filled(looks: _Looks, probability: Floats) -> _Pieces:
    """Looks of one tag at another, and between them, where a look or two heard nothing, what those beside say."""
    gap = looks.start[1:] - looks.end[:-1]
    before = np.flatnonzero((gap > 0) & (gap <= FILL_MS) & (looks.series[1:] == looks.series[:-1]))
    pair = np.concatenate([looks.pair, looks.pair[before]])
    start = np.concatenate([looks.start, looks.end[before]])
    end = np.concatenate([looks.end, looks.start[before + 1]])
    probability = np.concatenate([probability, (probability[before] + probability[before + 1]) / 2])
    order = _order(pair << _SHIFT | start, end, probability)
    return _Pieces(pair[order], start[order], end[order], probability[order])


def _overlaid(read: _Pieces) -> _Pieces:
    """Pieces that do not overlap: where several readings cover a time, the mean of them."""
    pair = read.pair << _SHIFT
    edges = np.sort(np.concatenate([pair | read.start, pair | read.end]))
    edges = edges[_firsts(edges)]
    first = np.searchsorted(edges, pair | read.start)
    covered = np.searchsorted(edges, pair | read.end) - first  # so many steps from edge to edge
    of = np.repeat(np.arange(len(pair)), covered)
    step = np.arange(len(of)) - np.repeat(np.cumsum(covered) - covered, covered) + first[of]
    order = np.argsort(step, kind="stable")
    step, chances = step[order], read.probability[of[order]]
    begin = _firsts(step)
    steps, depth = step[begin], np.diff(begin, append=len(step))
    total = chances[begin]
    for n in range(1, int(depth.max())):  # one by one, as a sum is taken: floating point knows the order
        deep = np.flatnonzero(depth > n)
        total[deep] += chances[begin[deep] + n]
    low, high = edges[steps], edges[steps + 1]
    mask = (1 << _SHIFT) - 1
    return _Pieces(low >> _SHIFT, low & mask, high & mask, total / depth)


def _put_together(read: _Pieces, whom: Sequence[tuple[int, int]], base: int) -> list[Encounter]:
    """Encounters, and within each pieces of up to PIECE_MS, as `minutes.pieces` makes them."""
    apart = (read.start[1:] - read.end[:-1] > DIRECT_GAP_MS) | (read.pair[1:] != read.pair[:-1])
    last = np.append(np.flatnonzero(apart), len(read.start) - 1)
    first = np.append(0, last[:-1] + 1)
    # The piece that begins with a step ends before the first step that it cannot take in whole.
    reach = np.searchsorted(read.pair << _SHIFT | read.end, (read.pair << _SHIFT | read.start) + PIECE_MS, "right")
    stop_of = np.minimum(np.maximum(reach, np.arange(1, len(reach) + 1)), np.repeat(last + 1, last + 1 - first))
    stops = stop_of.tolist()
    begin: list[int] = []
    bounds: list[tuple[int, int]] = []  # of each encounter among the pieces
    for step, end in zip(first.tolist(), (last + 1).tolist(), strict=True):
        many, at = len(begin), step
        while at < end:
            begin.append(at)
            at = stops[at]
        bounds.append((many, len(begin)))
    starts = np.array(begin, np.int64)
    mean = _means(read, starts, stop_of[starts])
    made = list(
        map(
            Piece,
            (read.start[starts] + base).tolist(),
            (read.end[stop_of[starts] - 1] + base).tolist(),
            mean.tolist(),
        )
    )
    pair_of = read.pair[first].tolist()
    out = []
    for pair, (low, high) in zip(pair_of, bounds, strict=True):
        of = tuple(made[low:high])
        asked, other = whom[pair]
        out.append(Encounter(asked, other, DIRECT, (), of[0].start_ms, of[-1].end_ms, of))
    return out


def _means(read: _Pieces, first: Ints, stop: Ints) -> Floats:
    """Of each piece, its steps' probabilities weighted with their length, step after step."""
    mean = read.probability[first]
    for n in range(1, int((stop - first).max())):
        more = np.flatnonzero(stop - first > n)
        at = first[more] + n
        before = read.end[at - 1] - read.start[first[more]]
        length = read.end[at] - read.start[at]
        mean[more] = (mean[more] * before + read.probability[at] * length) / (before + length)
    return mean


def _firsts(ordered: Ints) -> Ints:
    """Where each value stands first."""
    return np.flatnonzero(np.diff(ordered, prepend=ordered[0] - 1))


def _order(key: Ints, *then: NDArray[np.generic]) -> Ints:
    """The order by a key, and where that is equal, by others: that is seldom, and costs little when looked at alone."""
    order: Ints = np.argsort(key, kind="stable")
    ordered = key[order]
    same = ordered[1:] == ordered[:-1]
    if same.any():
        tied = np.flatnonzero(np.append(same, False) | np.insert(same, 0, False))
        of = order[tied]
        order[tied] = of[np.lexsort((*(each[of] for each in reversed(then)), key[of]))]
    return order


def _by_reporter(record: Record) -> tuple[int, int]:
    return record[2:4]
