"""What one person was exposed to by another, day by day.  Pure.

Minutes are added over a day: only one in ten pairs that spend 15 minutes together in a day do so without a break.
Direct evidence and evidence of place are weighed apart, each with its own exposure.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from zonetag_backend.tracing.days import Days
from zonetag_backend.tracing.encounter import PLACE, Encounter
from zonetag_backend.tracing.minutes import MINUTE_MS, Minutes, Piece, minutes_of
from zonetag_backend.tracing.profile import Profile


class Exposure(NamedTuple):
    """One day of two people, by one kind of evidence."""

    asked: int
    other: int
    day_ms: int
    # beginning of the day
    evidence: str
    first_ms: int
    last_ms: int
    together: float
    # minutes for which there is evidence at all
    minutes: Minutes
    # close
    places: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]
    # from when to when, in order
    probability: float
    # that it was a contact as the profile has it


ROUNDING = 1e-9  # a mean of like numbers may be off by less


def threshold_of(profile: Profile, at_least: float | None) -> float:
    """The probability from which on a day is a contact: the profile's, if no other is given."""
    return (profile.probability if at_least is None else at_least) - ROUNDING


def place_counts(profile: Profile, at_least: float | None, chance: float) -> bool:
    """Whether a time at one place can make a contact, if it was spent close with this probability."""
    return profile.by_place or chance >= threshold_of(profile, at_least)


def exposures(
    encounters: Iterable[Encounter],
    profile: Profile,
    days: Days,
    window: tuple[int, int],
    at_least: float | None = None,
) -> list[Exposure]:
    """The days on which the encounters, as far as they lie within `window`, make a contact; in order of time.

    `at_least`: the probability from which on, if not the profile's.
    """
    threshold = threshold_of(profile, at_least)
    by_day: dict[tuple[int, int, int, str], tuple[list[Piece], list[Encounter]]] = defaultdict(_nothing)
    low, high = window
    for encounter in encounters:
        asked, other, evidence, _, begin, finish, pieces = encounter
        if finish <= low or begin >= high:
            continue
        day, midnight = days.of(begin)
        if finish <= midnight and begin >= low and finish <= high:  # nearly always
            read, of = by_day[asked, other, day, evidence]
            read += pieces
            of.append(encounter)
            continue
        for piece in pieces:
            for each, start, end in days.cut(max(piece.start_ms, low), min(piece.end_ms, high)):
                read, of = by_day[asked, other, each, evidence]
                read.append(Piece(start, end, piece.probability, piece.worlds))
                of.append(encounter)
    kept = []
    for (asked, other, day, evidence), (read, of) in by_day.items():
        together = sum([piece[1] - piece[0] for piece in read]) / MINUTE_MS
        if together < profile.minutes:  # cannot reach what is asked for
            continue
        sure = profile.by_place and evidence == PLACE
        expected = sum([(piece[1] - piece[0]) * piece[2] for piece in read]) / MINUTE_MS
        if expected < threshold * profile.minutes and not sure:  # nor so probably: Markov's inequality
            continue
        read.sort()
        kept.append((asked, other, day, evidence, together, read, of, sure))
    found = []
    all_told = minutes_of([_pieces(each[5], each[3]) for each in kept], profile.minutes)
    for (asked, other, day, evidence, together, read, of, sure), told in zip(kept, all_told, strict=True):
        probability = 1.0 if sure else told.reached
        if probability < threshold:
            continue
        places: dict[int, None] = {}
        spans: dict[tuple[int, int], None] = {}
        midnight = days.of(day)[1]
        for encounter in of:
            places |= dict.fromkeys(encounter.places)
            spans[max(encounter.start_ms, low, day), min(encounter.end_ms, high, midnight)] = None
        first, last = read[0].start_ms, max([piece[1] for piece in read])
        found.append(
            Exposure(asked, other, day, evidence, first, last, together, told, tuple(places), tuple(spans), probability)
        )
    return sorted(found, key=lambda e: (e.first_ms, e.other, e.evidence))


def _pieces(read: list[Piece], evidence: str) -> list[Piece]:
    """Who sits where does not change within a day: for evidence of place all of it is one piece."""
    if evidence != PLACE or len(read) == 1:
        return read
    length, weighted = 0, 0.0
    for start, end, probability, _ in read:
        length += end - start
        weighted += (end - start) * probability
    return [Piece(read[0].start_ms, read[0].start_ms + length, weighted / length)]


def _nothing() -> tuple[list[Piece], list[Encounter]]:
    return [], []
