"""Which place a tag is at, from all gateways that hear it at once.  Pure; times in UTC ms, strengths in dBm.

Presence says which gateways heard a tag; through a wall they do, too.  So of several places that heard it in the same
seconds one is chosen by likelihood: a gateway in the same room hears a tag within some metres, one in another room from
further off and through a wall, and one that hears nothing says that, too.  What radio does is as in `rooms`; where the
gateways hang in metres is not asked, for an office tells only which room.

A judgement looks back LOOK_MS, the newer the heavier.  It depends on what was heard and never on the order in which it
came to be known, so a late report changes it where it must and nowhere else.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from zonetag_backend.presence import merged
from zonetag_backend.tracing.rooms import (
    ABOVE_MEAN_DB,
    AT_1M_DBM,
    EXPONENT,
    HEIGHT_M,
    SILENT,
    SPREAD_DB,
    TAILS,
    Floats,
    Ints,
)

LOOK_MS = 12_000  # somebody who walks into another room is there within it
SLOT_MS = 4000  # a gateway's window at its longest, unless set otherwise: one reading of each place
HALF_MS = 8000  # what is older by so much weighs half
INSIDE_M = (0.5, 1.5, 3.0, 5.0)  # from a gateway to who is in its room
OUTSIDE_M = (4.0, 7.0, 12.0)  # to who is in another one
WALL_DB = 5.0  # a light inner wall
WEAKEST_DBM, STRONGEST_DBM = -128, 20  # what a report can hold
BIN_MS = 30_000  # of a day, for which one place is chosen
BESIDE = (0.25, 0.5, 1.0, 0.5, 0.25)  # how much of a bin's evidence counts for those around it: nobody leaves for 30 s


class Hearing(NamedTuple):
    """A window of one tag."""

    place: int
    start_ms: int
    end_ms: int
    dbm: int
    # 90th percentile


Stay = tuple[int, int, int]
"""Place, from and to."""


def _gain() -> Floats:
    """For each strength, how much it speaks for the gateway's own room: logarithm of the ratio, against not heard."""
    levels = np.arange(WEAKEST_DBM, STRONGEST_DBM + 1, dtype=np.float64)[:, None]

    def likelihood(metres: Sequence[float], wall_db: float) -> Floats:
        square = np.array(metres) ** 2 + HEIGHT_M**2
        expected = AT_1M_DBM + ABOVE_MEAN_DB - 5 * EXPONENT * np.log10(square) - wall_db
        each = (1 + ((levels - expected) / SPREAD_DB) ** 2 / TAILS) ** (-(TAILS + 1) / 2)
        mean: Floats = each.mean(axis=1)
        return mean

    ratio = np.log(likelihood(INSIDE_M, 0.0)) - np.log(likelihood(OUTSIDE_M, WALL_DB)) - np.log(SILENT)
    # Both tails run out flat: a stronger reading never says less than a weaker one, and a weak one not less than none.
    gain: Floats = np.maximum.accumulate(np.maximum(ratio, 0.0))
    # Beyond that the nearest gateway still is the likeliest: a thousandth for each dB, so that no two strengths tie.
    gain += (levels[:, 0] - WEAKEST_DBM) / 1000
    return gain


GAIN = _gain()


def likeliest(rows: Sequence[tuple[int, ...]]) -> dict[int, int]:
    """The place of each subject, from rows (subject, place, age of a window at its end, dBm) of any order.

    Ages are ms, from 0 to LOOK_MS; subjects are small numbers, from 0.
    """
    if not rows:
        return {}
    subject, where, age, dbm = np.array(rows, np.int64).T
    places, place = np.unique(where, return_inverse=True)
    pairs, pair = np.unique(subject * len(places) + place, return_inverse=True)
    slots = LOOK_MS // SLOT_MS + 1
    best = np.zeros(len(pairs) * slots)
    np.maximum.at(best, pair * slots + np.clip(age // SLOT_MS, 0, slots - 1), _gains(dbm))
    score = best.reshape(-1, slots) @ 0.5 ** (np.arange(slots) * SLOT_MS / HALF_MS)
    whose, which = np.divmod(pairs, len(places))
    order = np.lexsort((-which, score, whose))  # the best last; of two alike the smaller number, so always the same
    return dict(zip(whose[order].tolist(), places[which[order]].tolist(), strict=True))


def settled(stays: Sequence[Stay], heard: Iterable[Hearing]) -> list[Stay]:
    """Stays of one person, where several places heard them at once only the likeliest left; in order of time.

    `heard` may lack what is no longer kept: then the stays of that time are left as they are.
    """
    table = np.array(sorted(heard), np.int64).reshape(-1, 4)
    if not len(table):
        return sorted(stays, key=lambda stay: (stay[1], stay[0], stay[2]))
    places, place = np.unique(table[:, 0], return_inverse=True)
    bins, which = np.unique(table[:, 1] // BIN_MS, return_inverse=True)
    best = np.zeros((len(bins), len(places)))
    np.maximum.at(best, (which, place), _gains(table[:, 3]))
    chosen = _around(bins, best).argmax(axis=1)
    lost: dict[int, list[tuple[int, int]]] = {int(each): [] for each in places}
    for row, at in enumerate(bins):
        for column in np.flatnonzero(best[row]):
            if column != chosen[row]:
                lost[int(places[column])].append((int(at) * BIN_MS, (int(at) + 1) * BIN_MS))
    found = []
    for where, start, end in stays:
        found += [(where, low, high) for low, high in _without((start, end), merged(lost.get(where, ()), 0))]
    return sorted(found, key=lambda stay: (stay[1], stay[0], stay[2]))


def _gains(dbm: Ints) -> Floats:
    gains: Floats = GAIN[np.clip(dbm, WEAKEST_DBM, STRONGEST_DBM) - WEAKEST_DBM]
    return gains


def _around(bins: Ints, best: Floats) -> Floats:
    """The evidence of each bin with that of those beside it; bins are those that heard anything."""
    out = np.zeros_like(best)
    reach = len(BESIDE) // 2
    for shift, weight in zip(range(-reach, reach + 1), BESIDE, strict=True):
        at = np.searchsorted(bins, bins + shift)
        there = (at < len(bins)) & (bins[np.minimum(at, len(bins) - 1)] == bins + shift)
        out[there] += weight * best[at[there]]
    out[best == 0] = -1.0  # a place that heard nothing in the bin is not chosen for it
    return out


def _without(span: tuple[int, int], gone: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """What is left of a span; `gone` in order and apart."""
    start, end = span
    edges = [(start, start), *((low, high) for low, high in gone if low < end and high > start), (end, end)]
    return [(high, low) for (_, high), (low, _) in pairwise(edges) if high < low] or ([span] if len(edges) == 2 else [])
