"""From probabilities over pieces of time to minutes, how sure they are, and minutes in bands.  Pure.

What makes a reading wrong (a body in between, a turned chair) lasts: readings in a row are wrong together.  So time is
taken in pieces of at most PIECE_MS, each wholly close with its probability or not at all, and pieces are taken as
independent.  The number of close minutes then has a distribution that can be computed exactly.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple

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
    for start, end, probability in sorted(looks):
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


def minutes(of: Sequence[Piece], wanted: int) -> Minutes:
    """Close minutes of independent pieces, and how probably there are at least `wanted`."""
    if len(of) == 1:  # most often, and there is no sum to compute
        return _of_one(of[0], wanted)
    lengths = [(piece.end_ms - piece.start_ms) / MINUTE_MS for piece in of]
    expected = sum(length * piece.probability for length, piece in zip(lengths, of, strict=True))
    bands = [0.0] * len(BANDS)
    for length, piece in zip(lengths, of, strict=True):
        bands[bisect_right(BANDS, piece.probability) - 1] += length
    spread = _distribution([(round(length * STEPS), p.probability) for length, p in zip(lengths, of, strict=True)])
    low, high = _quantiles(spread, 0.05, 0.95)
    reached = sum(p for total, p in spread.items() if total >= wanted * STEPS)
    # A quantile may pass the mean where nearly all is sure; what is shown should not look like a mistake.
    return Minutes(expected, min(low, expected), max(high, expected), min(1.0, reached), tuple(bands))


def _of_one(piece: Piece, wanted: int) -> Minutes:
    start, end, probability = piece
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


STEPS = 15  # of 4 s in a minute: what the cells of a contact record are made of


def _distribution(of: Sequence[tuple[int, float]]) -> dict[int, float]:
    """Probability of each total length, in steps.  At most one entry a step of the day."""
    spread = {0: 1.0}
    for length, probability in of:
        if not length or probability <= 0:
            continue
        more: dict[int, float] = {}
        for total, weight in spread.items():
            more[total] = more.get(total, 0.0) + weight * (1 - probability)
            more[total + length] = more.get(total + length, 0.0) + weight * probability
        # What is rarer than one in 10^12 changes no figure that anybody is shown.
        spread = {total: weight for total, weight in more.items() if weight > 1e-12}
    return spread


def _quantiles(spread: dict[int, float], low: float, high: float) -> tuple[float, float]:
    totals = sorted(spread)
    found = [totals[-1], totals[-1]]
    summed = 0.0
    for total in totals:
        before, summed = summed, summed + spread[total]
        if before < low - 1e-9 <= summed:
            found[0] = total
        if summed >= high - 1e-9:
            found[1] = total
            break
    return found[0] / STEPS, found[1] / STEPS
