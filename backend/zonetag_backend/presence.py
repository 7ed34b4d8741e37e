"""Presence: where a tag was from when to when.  Pure.

The presence of a tag at a place is the union of what was heard, gaps of up to GAP_MS closed, cut at every full hour of
UTC.  So it is the same in whatever order reports come and however often, no interval is longer than an hour, and what a
report changes can be found among the intervals close to it.
"""

from collections.abc import Iterable

GAP_MS = 60_000  # a tag unheard for less is still there
CUT_MS = 3_600_000  # no interval is longer: "who was there at t" is then a short range

Span = tuple[int, int]
"""From and to, both included, UTC ms."""


def merged(spans: Iterable[Span], gap_ms: int) -> list[Span]:
    """The union of spans with gaps of up to `gap_ms` closed, in order."""
    out: list[Span] = []
    for start, end in sorted(spans):
        if out and start - out[-1][1] <= gap_ms:
            if end > out[-1][1]:
                out[-1] = (out[-1][0], end)
        else:
            out.append((start, end))
    return out


def cut(spans: Iterable[Span]) -> list[Span]:
    """The same spans, none across a full hour."""
    out: list[Span] = []
    for start, end in spans:
        begin = start
        while (hour := (begin // CUT_MS + 1) * CUT_MS) < end:
            out.append((begin, hour))
            begin = hour
        out.append((begin, end))
    return out


def reach(spans: Iterable[Span]) -> Span:
    """Within which starts of intervals all those lie that new spans may touch: none begins more than an hour before."""
    spans = list(spans)
    return min(s for s, _ in spans) - GAP_MS - CUT_MS, max(e for _, e in spans) + GAP_MS


def presence(old: Iterable[Span], new: Iterable[Span]) -> list[Span]:
    """The intervals that take the place of `old`, all those near, once `new` was heard."""
    return cut(merged([*old, *new], GAP_MS))
