"""Visits: when a tag came to a site and when it was heard there last.  Pure.

A visit is the union of what was heard at all places of the site, gaps of up to its absence time closed.  Its end is the
last hearing; it counts as out once that is the absence time ago.
"""

from collections.abc import Sequence
from typing import NamedTuple

from zonetag_backend.presence import Span, merged


class Visit(NamedTuple):
    """One visit of one tag to one site, UTC ms."""

    came_ms: int
    last_ms: int
    corrected_ms: int | None
    # when a late report last changed it after it had stood as ended


class Change(NamedTuple):
    """What hearing something does to the visits near it."""

    gone: list[Visit]
    # these are no more, or not so
    there: list[Visit]
    # these are now
    corrections: list[Visit]
    # what the book showed as ended and was wrong about


def visits(old: Sequence[Visit], new: Sequence[Span], absence_ms: int, now_ms: int) -> Change:
    """What `new` hearings do to the visits `old`, all those within the absence time of them.

    A visit that had ended when it changes is corrected.  What it said before is told once for reports that come one
    after another, as from a spool that is being emptied: not again until the correction has itself stood for the
    absence time.
    """
    changed_from: list[Visit] = []
    there: list[Visit] = []
    corrections: list[Visit] = []
    for came, last in merged([*((v.came_ms, v.last_ms) for v in old), *new], absence_ms):
        parts = [v for v in old if came <= v.came_ms and v.last_ms <= last]
        if len(parts) == 1 and (came, last) == parts[0][:2]:
            continue
        ended = [v for v in parts if _over(v.last_ms, absence_ms, now_ms)]
        # A new visit that is over already when it becomes known was written into the book late, too.
        late = bool(ended) or (not parts and _over(last, absence_ms, now_ms))
        known = [v.corrected_ms for v in parts if v.corrected_ms is not None]
        there.append(Visit(came, last, now_ms if late else max(known, default=None)))
        changed_from += parts
        corrections += [v for v in ended if v.corrected_ms is None or now_ms - v.corrected_ms >= absence_ms]
    return Change(changed_from, there, corrections)


def _over(last_ms: int, absence_ms: int, now_ms: int) -> bool:
    return now_ms - last_ms >= absence_ms
