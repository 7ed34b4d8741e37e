"""Who is in the office when: a day with its habits, or the same squeezed into a shorter time.  Seconds from its start.

Whatever the length L, everybody comes within the first quarter and some go for longer than the absence threshold and
come back (when L has room for that); nobody goes for less than it, for such a short way out is no visit's end.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from zonetag_backend.simulate.dice import dice

HOUR = 3600.0
WHOLE_DAY_S = 4 * HOUR  # from here on the hours are an office's, below they are parts of the period
OPENING = 7.75  # the start of a whole day, hours after midnight
LONGEST_ABSENCE_S = 300


@dataclass(frozen=True, slots=True)
class Stay:
    """From one coming to the next going."""

    enter_s: float
    leave_s: float | None
    # None: stays beyond the end


@dataclass(frozen=True, slots=True)
class Meeting:
    """Some people in one room."""

    start_s: float
    end_s: float
    who: frozenset[int]
    # people by number


def absence_of(length_s: float) -> int:
    """The absence threshold that suits a period, in whole seconds: a tenth of it, 60 to 300 s."""
    return int(min(max(length_s / 10, 60), LONGEST_ABSENCE_S))


def shortest_way_out(length_s: float) -> float:
    """Seconds that a way out lasts at least: the threshold, and well beyond, for a tag is heard in the street too."""
    return 1.6 * absence_of(length_s) + 90


def stays(seed: int, person: int, length_s: float) -> list[Stay]:
    """The stays of one person in a period that ends at `length_s`."""
    roll = dice(seed, "stays", person)
    whole = length_s >= WHOLE_DAY_S
    came = (roll.beta(2, 3) if whole else roll.uniform(0.08, 1)) * min(0.22 * length_s, 0.5 * HOUR)
    end: float | None = None
    if whole and length_s > (17 - OPENING) * HOUR:
        end = min((16.5 - OPENING) * HOUR + roll.beta(2, 2) * HOUR, length_s - 2 * LONGEST_ABSENCE_S)
    if roll.random() < 0.2:
        early = roll.uniform(0.6, 0.8) * length_s
        end = early if end is None else min(early, end)
    least = shortest_way_out(length_s)
    out: list[Stay] = []
    for leave, back in _ways_out(roll, length_s, whole):
        lasts = max(back - leave, least)
        # There must be some time inside before, between and after, longer than the walk through the street.
        if leave < came + 60 or leave + lasts > (length_s if end is None else end) - 60:
            continue
        out.append(Stay(came, leave))
        came = leave + lasts
    return [*out, Stay(came, end)]


def _ways_out(roll: np.random.Generator, length_s: float, whole: bool) -> list[tuple[float, float]]:
    """Wishes to go and come back, in order, none overlapping; those with no room are dropped by the caller."""
    if not whole:
        if roll.random() > 0.35:
            return []
        leave = roll.uniform(0.3, 0.5) * length_s
        return [(leave, leave + roll.uniform(0.1, 0.25) * length_s)]
    wishes = []
    for hour in (8.6, 14.5):  # errands
        if roll.random() < 0.35:
            leave = (hour + roll.uniform(0, 1.5) - OPENING) * HOUR
            wishes.append((leave, leave + roll.uniform(10, 40) * 60))
    if roll.random() < 0.75:  # lunch
        leave = (11.5 + roll.uniform(0, 0.4) - OPENING) * HOUR
        wishes.append((leave, leave + roll.uniform(25, 75) * 60))
    return sorted(wishes)


def meetings(seed: int, people: int, length_s: float) -> list[Meeting]:
    """Meetings, one after the other in the one meeting room."""
    roll = dice(seed, "meetings")
    span = min(length_s / 6, HOUR)
    starts = np.arange(0.28 * length_s if length_s < WHOLE_DAY_S else HOUR, 0.9 * length_s, span)
    found = []
    for start, following in pairwise([float(s) for s in starts]):
        if roll.random() < 0.7:
            size = min(people, int(roll.integers(3, 9)))
            who = frozenset(int(p) for p in roll.choice(people, size, replace=False))
            found.append(Meeting(start, start + roll.uniform(0.5, 0.8) * (following - start), who))
    return found
