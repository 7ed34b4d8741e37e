"""Records of contact logs -> direct encounters, many thousand records at once.  Pure.

`encounter.direct` says what is meant: look by look, as objects.  Here the same is computed upon arrays, equal to the
last bit: a chain of two generations may have a million looks to judge.  Tests hold the two together.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from zonetag_backend.tracing.closeness import Calibrated, standing
from zonetag_backend.tracing.encounter import DIRECT, DIRECT_GAP_MS, FILL_MS, NIGHT_MS, Encounter, Noted
from zonetag_backend.tracing.minutes import PIECE_MS, Piece
from zonetag_backend.tracing.seam import Closeness, Heard, Look
from zonetag_protocol.contact import CELL_S, CELLS, dbm, levels
from zonetag_protocol.rotation import EPOCH_S

Ints = NDArray[np.int64]
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
    # ms since the first record


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
    bounds, of = _cut(_covered(looks))
    probability, worlds = _judged(of, looks, model)
    starts, ends = (of.start + base).tolist(), (of.end + base).tolist()
    made = list(map(Piece, starts, ends, probability, worlds))
    whom = [(of[0][0], of[0][1]) for of in pairs]
    out = []
    for pair, (low, high) in zip(of.pair[[low for low, _ in bounds]].tolist(), bounds, strict=True):
        asked, other = whom[pair]
        out.append(Encounter(asked, other, DIRECT, (), starts[low], ends[high - 1], tuple(made[low:high])))
    return out


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


def _covered(looks: _Looks) -> _Pieces:
    """The time of looks, and between those of one tag where one or two heard nothing; in steps from edge to edge."""
    gap = looks.start[1:] - looks.end[:-1]
    before = np.flatnonzero((gap > 0) & (gap <= FILL_MS) & (looks.series[1:] == looks.series[:-1]))
    pair = looks.pair << _SHIFT
    start = np.concatenate([pair | looks.start, pair[before] | looks.end[before]])
    end = np.concatenate([pair | looks.end, pair[before] | looks.start[before + 1]])
    edges = np.sort(np.concatenate([start, end]))
    edges = edges[_firsts(edges)]
    begun, ended = (np.bincount(np.searchsorted(edges, each), minlength=len(edges)) for each in (start, end))
    steps = np.flatnonzero(np.cumsum(begun - ended) > 0)
    low, high = edges[steps], edges[steps + 1]
    mask = (1 << _SHIFT) - 1
    return _Pieces(low >> _SHIFT, low & mask, high & mask)


def _cut(steps: _Pieces) -> tuple[list[tuple[int, int]], _Pieces]:
    """Encounters, as bounds among pieces; pieces of up to PIECE_MS, as `minutes.pieces` makes them of steps."""
    apart = (steps.start[1:] - steps.end[:-1] > DIRECT_GAP_MS) | (steps.pair[1:] != steps.pair[:-1])
    last = np.append(np.flatnonzero(apart), len(steps.start) - 1)
    first = np.append(0, last[:-1] + 1)
    # The piece that begins with a step ends before the first step that it cannot take in whole.
    reach = np.searchsorted(steps.pair << _SHIFT | steps.end, (steps.pair << _SHIFT | steps.start) + PIECE_MS, "right")
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
    return bounds, _Pieces(steps.pair[starts], steps.start[starts], steps.end[stop_of[starts] - 1])


def _judged(of: _Pieces, looks: _Looks, model: Closeness) -> tuple[list[float], list[tuple[float, ...]]]:
    """What the model says of each piece, day by day."""
    middle = looks.pair << _SHIFT | (looks.start + looks.end) // 2
    piece = np.searchsorted(of.pair << _SHIFT | of.start, middle, "right") - 1
    ordered = np.sort(piece << 4 | looks.half)  # the weakest of each piece first
    begin = np.searchsorted(ordered >> 4, np.arange(len(of.pair) + 1))
    night = (of.start[1:] - of.end[:-1] > NIGHT_MS) | (of.pair[1:] != of.pair[:-1])
    first = np.append(0, np.flatnonzero(night) + 1)
    lengths = of.end - of.start
    if isinstance(model, Calibrated):
        many = np.diff(begin)
        low, high = np.array([standing(looks) for looks in range(int(many.max()) + 1)])[many].T
        some = np.flatnonzero(many)
        code = np.zeros(len(many), np.int64)
        levels = (ordered[begin[some] + each[some]] & 15 for each in (low, high))
        code[some] = many[some] << 8 | next(levels) << 4 | next(levels)
        told = model.of_cells(first, lengths, code)
        probability = sum(told.T) / told.shape[1]  # one by one, as a sum is taken: floating point knows the order
        return probability.tolist(), list(zip(*told.T.tolist(), strict=True))
    said: list[tuple[float, ...]] = []
    heard = [
        Heard(length, [dbm(half) or 0 for half in (ordered[low:high] & 15).tolist()])
        for length, low, high in zip(lengths.tolist(), begin[:-1].tolist(), begin[1:].tolist(), strict=True)
    ]
    for low, high in pairwise([*first.tolist(), len(heard)]):
        said += model.direct(heard[low:high])
    return [sum(each) / len(each) for each in said], said


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
