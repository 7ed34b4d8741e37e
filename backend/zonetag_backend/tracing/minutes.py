"""From probabilities over pieces of time to minutes, how sure they are, and minutes in bands.  Pure.

What makes a reading wrong (a body in between, a turned chair) lasts: readings in a row are wrong together.  So time is
taken in pieces of at most PIECE_MS, each wholly close with its probability or not at all, and pieces are taken as
independent.  The number of close minutes then has a distribution that can be computed exactly.

What is the same for all pieces of a day (two desks side by side) is unknown too: a piece may have a probability in each
of several worlds, of which one is true, each as probably.  Pieces are independent within a world, and the distribution
is the mean of those of the worlds.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

PIECE_MS = 300_000  # how long a posture lasts
MINUTE_MS = 60_000
# Lower edges of the bands of probability: unlikely, possible, likely, sure.
BANDS = (0.0, 0.2, 0.5, 0.8)
BAND_NAMES = ("unlikely", "possible", "likely", "sure")


class Piece(NamedTuple):
    """A piece of time that was spent close with some probability."""

    start_ms: int
    end_ms: int
    probability: float
    worlds: tuple[float, ...] = ()
    # in each of them, where there are several; `probability` is their mean


class Minutes(NamedTuple):
    """Close minutes, and what is known of them."""

    expected: float
    low: float
    high: float
    # between low and high with 90 %
    reached: float
    # probability that the profile's minutes were reached
    bands: tuple[float, ...]
    # minutes in each of BANDS


def pieces(looks: Iterable[Piece], gap_ms: int) -> list[Piece]:
    """Looks in order of time, put together into pieces of up to PIECE_MS that have no gap over `gap_ms`.

    A piece's probability is the mean of its looks', weighted with their length.  What overlaps counts once.
    """
    out: list[Piece] = []
    for start, end, probability, _ in sorted(looks):
        if out and start - out[-1].end_ms <= gap_ms and max(end, out[-1].end_ms) - out[-1].start_ms <= PIECE_MS:
            last = out.pop()
            before, more = last.end_ms - last.start_ms, max(0, end - max(start, last.end_ms))
            total = before + more
            mean = (last.probability * before + probability * more) / total if total else probability
            out.append(Piece(last.start_ms, max(end, last.end_ms), mean))
            continue
        begin = max(start, out[-1].end_ms) if out else start
        while begin < end:
            stop = min(end, begin + PIECE_MS)
            out.append(Piece(begin, stop, probability))
            begin = stop
    return out


STEPS = 15  # of 4 s in a minute: what the cells of a contact record are made of
_FEW = 6  # of so many pieces all 2^n ways are looked at, of many days at once
Floats = NDArray[np.float64]


def minutes(of: Sequence[Piece], wanted: int) -> Minutes:
    """Close minutes, and how probably there are at least `wanted`."""
    return minutes_of([of], wanted)[0]


def minutes_of(days: Sequence[Sequence[Piece]], wanted: int) -> list[Minutes]:
    """As `minutes`, of many days at once."""
    out: list[Minutes | None] = [None] * len(days)
    alike: dict[tuple[int, int], list[int]] = defaultdict(list)  # days with as many pieces and worlds
    for at, of in enumerate(days):
        if len(of) == 1 and not of[0].worlds:  # there is no sum to compute
            out[at] = _of_one(of[0], wanted)
        else:
            alike[len(of), max([len(piece.worlds) for piece in of], default=0)].append(at)
    for (count, worlds), some in alike.items():
        lengths = np.array([[end - start for start, end, _, _ in days[at]] for at in some]).reshape(len(some), count)
        means = np.array([[piece.probability for piece in days[at]] for at in some]).reshape(len(some), count)
        chances = means[:, :, None]
        if worlds:
            told = [[piece.worlds or (piece.probability,) * worlds for piece in days[at]] for at in some]
            chances = np.array(told)
        length = lengths / MINUTE_MS
        steps = np.rint(length * STEPS).astype(np.int64)
        spread = _few(steps, chances, wanted) if count <= _FEW else _many(steps, chances, wanted)
        expected = (length * means).sum(axis=1)
        band = np.searchsorted(BANDS, means, "right") - 1
        bands = [(length * (band == each)).sum(axis=1).tolist() for each in range(len(BANDS))]
        told_of = zip(some, expected.tolist(), *(each.tolist() for each in spread), *bands, strict=True)
        for at, middle, low, high, reached, *in_bands in told_of:
            # A quantile may pass the mean where nearly all is sure; what is shown should not look like a mistake.
            out[at] = Minutes(middle, min(low, middle), max(high, middle), min(1.0, reached), tuple(in_bands))
    return [each for each in out if each is not None]


def _of_one(piece: Piece, wanted: int) -> Minutes:
    start, end, probability, _ = piece
    length = (end - start) / MINUTE_MS
    bands = [0.0] * len(BANDS)
    bands[bisect_right(BANDS, probability) - 1] = length
    steps = round(length * STEPS)
    expected = length * probability
    return Minutes(
        expected,
        expected if 1 - probability < 0.05 - 1e-9 else 0.0,
        max(expected, steps / STEPS if 1 - probability < 0.95 - 1e-9 else 0.0),
        probability if steps >= wanted * STEPS else 0.0,
        tuple(bands),
    )


def _few(steps: NDArray[np.int64], chances: Floats, wanted: int) -> tuple[Floats, Floats, Floats]:
    """Quantiles and the probability of `wanted` minutes: of days in rows, pieces in columns, worlds behind."""
    total = np.zeros((len(steps), 1), np.int64)
    weight = np.ones((len(steps), chances.shape[2], 1))
    for piece in range(steps.shape[1]):
        close = weight * chances[:, piece, :, None]
        weight = np.concatenate([weight - close, close], axis=2)
        total = np.concatenate([total, total + steps[:, piece, None]], axis=1)
    mixed = weight.mean(axis=1)
    reached = (mixed * (total >= wanted * STEPS)).sum(axis=1)
    order = np.argsort(total, axis=1)
    total = np.take_along_axis(total, order, axis=1)
    summed = np.cumsum(np.take_along_axis(mixed, order, axis=1), axis=1)
    low, high = (
        np.take_along_axis(total, np.argmax(summed >= each - 1e-9, axis=1)[:, None], axis=1)[:, 0] / STEPS
        for each in (0.05, 0.95)
    )
    return low, high, reached


def _many(steps: NDArray[np.int64], chances: Floats, wanted: int) -> tuple[Floats, Floats, Floats]:
    """The same day by day: the probability of each total length in steps, world by world."""
    out = np.empty((3, len(steps)))
    for day, (lengths, of) in enumerate(zip(steps.tolist(), chances, strict=True)):
        spread = np.zeros((of.shape[1], sum(lengths) + 1))
        spread[:, 0] = 1
        top = 1
        for length, chance in zip(lengths, of, strict=True):
            if length:
                close = spread[:, :top] * chance[:, None]
                spread[:, :top] -= close
                spread[:, length : top + length] += close
                top += length
        mixed = spread.mean(axis=0)
        low, high = np.searchsorted(np.cumsum(mixed), (0.05 - 1e-9, 0.95 - 1e-9)) / STEPS
        out[:, day] = low, high, mixed[wanted * STEPS :].sum()
    return out[0], out[1], out[2]
