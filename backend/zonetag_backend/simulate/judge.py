"""The book against the truth, by a stated rule.

A visit of the book is found when it and a true visit are of the same person, begin within TOLERANCE_S of each other,
and end alike: if the person left, the last hearing lies within TOLERANCE_S of her crossing of the door; if she was
still inside at the end of the period, the book must call her inside then, which it does when her last hearing is less
than the absence threshold ago.  Each visit, true or the book's, is matched once.  What is true and not matched is
missed; what stands in the book and is not matched is invented.  A visit that begins within TOLERANCE_S after the end
of the period is on neither count: somebody in the street is heard already, and rightly stands in the book.

The tolerance: a tag is heard in the street before the door already, but not from behind the corner of the street,
which is 49 m from the door at most, 49 s at the slowest pace.
"""

from dataclasses import dataclass

from zonetag_backend.simulate.truth import TrueVisit

TOLERANCE_S = 60.0


@dataclass(frozen=True, slots=True)
class FoundVisit:
    """One visit as the book has it."""

    person: int
    # by number, as in TrueVisit
    came_s: float
    last_s: float
    # first and last hearing, seconds from the office's start


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many visits there were, and what the book made of them."""

    true: int
    found: int
    missed: int
    invented: int


def judge(true: list[TrueVisit], book: list[FoundVisit], end_s: float, absence_s: float) -> Verdict:
    """Match the book with the truth at `end_s`, the end of the period; what lies beyond it is left aside."""
    free = sorted(book, key=lambda v: v.came_s)
    due = found = 0
    for visit in sorted(true, key=lambda v: v.came_s):
        match = next((entry for entry in free if _alike(visit, entry, end_s, absence_s)), None)
        if match is not None:
            free.remove(match)
        if visit.came_s < end_s:
            due += 1
            found += match is not None
    return Verdict(due, found, due - found, len(free))


def _alike(visit: TrueVisit, entry: FoundVisit, end_s: float, absence_s: float) -> bool:
    if visit.person != entry.person or abs(visit.came_s - entry.came_s) > TOLERANCE_S:
        return False
    if visit.left_s is None or visit.left_s >= end_s:
        return entry.last_s > end_s - absence_s
    return abs(visit.left_s - entry.last_s) <= TOLERANCE_S
