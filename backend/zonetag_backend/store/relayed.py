"""Windows of one tag at two sites at once, found in what is about to be written and in what was written before.

The rule (relay.py) is about all windows that ever passed the others, whichever came first.  So what was believed until
its contradiction came is taken back: its rows, and the presence and visits that were drawn from it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection, Row, Table, inspect, select

from zonetag_backend import relay, rules
from zonetag_backend.ingest import Ingest
from zonetag_backend.presence import CUT_MS, GAP_MS, Span, merged, presence
from zonetag_backend.records import Post, Rejection, day_of
from zonetag_backend.relay import AT_ONCE_MS, Sites, Spot
from zonetag_backend.store import heard, rows, schema
from zonetag_backend.store.ingest import Judged, count_rejected
from zonetag_backend.store.registry import new_id
from zonetag_protocol.report import MAX_TICKS, TICK_MS

DAY_MS = 86_400_000
LONGEST_MS = MAX_TICKS * TICK_MS  # a window
REACH_MS = AT_ONCE_MS + LONGEST_MS  # so long before another one may begin a window that contradicts it
_PARAMETERS = 500  # at a time: SQLite takes no more than some thousand


@dataclass(frozen=True, slots=True)
class Found:
    """What was contradicted."""

    new: int = 0
    # windows of the reports at hand
    old: int = 0
    # windows that had been believed
    sites: frozenset[str] = frozenset()
    # whose books have changed by the latter
    gateways: frozenset[str] = frozenset()
    # that heard any of them


@dataclass(frozen=True, slots=True)
class Ground:
    """What is known of the offices."""

    posts: dict[str, Post]
    # by gateway
    absence_ms: dict[str, int]
    # by site
    far: Sites


def sift(connection: Connection, judged: Sequence[Judged], ingest: Ingest, ground: Ground, now_ms: int) -> Found:
    """Move what is contradicted from `judged`'s observations to its rejections, and take back what was committed."""
    if len(ground.absence_ms) < 2:
        return Found()
    ranges = _ranges(judged)
    site_of = _sites(connection)
    before = list(_relayed_before(connection, ranges, ingest, ground.posts))
    tags = _suspects(connection, ranges, ground.far, site_of, before)
    if not tags:
        return Found()
    moved: dict[int, set[int]] = defaultdict(set)  # of judged: observations
    taken: list[tuple[int, Row[tuple[object, ...]]]] = []  # tag and row of what was heard
    old = _heard(connection, tags, ranges)
    new = _new(judged, tags)
    for tag in sorted(tags):
        committed = [row for row in old[tag] if row.place in site_of]
        spots = [Spot(row.start_ms, row.start_ms + row.span_ms, site_of[row.place]) for row in committed]
        spots += [spot for _, _, spot in new[tag]]
        spots += [spot for which, spot in before if which == tag]
        for index in relay.relayed(spots, ground.far):
            if index < len(committed):
                taken.append((tag, committed[index]))
            elif index - len(committed) < len(new[tag]):
                report, observation, _ = new[tag][index - len(committed)]
                moved[report].add(observation)
    for which, observations in moved.items():
        _move(judged[which], observations)
    _take_back(connection, taken, ingest, ground, now_ms)
    return Found(
        sum(map(len, moved.values())),
        len(taken),
        frozenset(site_of[row.place] for _, row in taken),
        frozenset({judged[which].report.gateway for which in moved} | {row.gateway for _, row in taken}),
    )


Ranges = dict[tuple[int, str], Span]
"""By tag and site, from when to when it is heard in the reports at hand."""


def _ranges(judged: Sequence[Judged]) -> Ranges:
    ranges: Ranges = {}
    for each in judged:
        for tag, spans in each.verdict.spans.items():
            starts, ends = [start for start, _ in spans], [end for _, end in spans]
            low, high = ranges.get((tag, each.post.site), spans[0])
            ranges[tag, each.post.site] = min(low, *starts), max(high, *ends)
    return ranges


def _suspects(
    connection: Connection, ranges: Ranges, far: Sites, site_of: dict[int, str], before: Iterable[tuple[int, Spot]]
) -> set[int]:
    """Tags that may be at two sites at once: cheap to ask, and nearly always empty."""
    by_tag: dict[int, list[Spot]] = defaultdict(list)
    for (tag, site), (low, high) in ranges.items():
        by_tag[tag].append(Spot(low, high, site))
    others: list[tuple[int, Spot]] = list(before)
    if ranges:
        low = min(low for low, _ in ranges.values()) - CUT_MS - AT_ONCE_MS
        high = max(high for _, high in ranges.values()) + AT_ONCE_MS
        t = schema.presence.c
        for some in _in_parts(sorted(by_tag)):
            near = select(t.tag, t.start_ms, t.end_ms, t.place).where(t.tag.in_(some), t.start_ms.between(low, high))
            others += [
                (row.tag, Spot(row.start_ms, row.end_ms, site_of[row.place])) for row in connection.execute(near)
            ]
    found = {tag for tag, spots in by_tag.items() if len(spots) > 1 and relay.relayed(spots, far)}
    return found | {tag for tag, spot in others if any(relay.meet(spot, own, far) for own in by_tag[tag])}


def _relayed_before(
    connection: Connection, ranges: Ranges, ingest: Ingest, posts: dict[str, Post]
) -> Iterator[tuple[int, Spot]]:
    """Tag and spot of windows that were found to be relayed: they contradict what comes later too."""
    total, t = schema.rejected_total.c, schema.rejected.c
    if not ranges or connection.scalar(select(total.windows).where(total.reason == rules.RELAYED).limit(1)) is None:
        return
    low = min(low for low, _ in ranges.values()) - REACH_MS
    high = max(high for _, high in ranges.values()) + AT_ONCE_MS
    near = select(t.gateway, t.start_ms, t.span_ms, t.eid).where(
        t.start_ms.between(low, high), t.reason == rules.RELAYED
    )
    known = [row for row in connection.execute(near) if row.gateway in posts and len(row.eid) == 8]
    if not known:
        return
    times = np.array([row.start_ms for row in known], np.int64)
    for row, candidates in zip(known, ingest.resolve(b"".join(row.eid for row in known), times), strict=True):
        for index, _ in candidates:
            spot = Spot(row.start_ms, row.start_ms + row.span_ms, posts[row.gateway].site)
            yield ingest.tags[index].id, spot


def _heard(connection: Connection, tags: set[int], ranges: Ranges) -> dict[int, list[Row[tuple[object, ...]]]]:
    """What was committed of these tags about the time of the reports at hand."""
    mine = [span for (tag, _), span in ranges.items() if tag in tags]
    low, high = min(low for low, _ in mine) - REACH_MS, max(high for _, high in mine) + AT_ONCE_MS
    found: dict[int, list[Row[tuple[object, ...]]]] = defaultdict(list)
    for table in _days(connection, low, high):
        for some in _in_parts(sorted(tags)):
            # "count" would be a method of the row.
            near = select(table, table.c.count.label("adverts")).where(
                table.c.tag.in_(some), table.c.start_ms.between(low, high)
            )
            for row in connection.execute(near):
                found[row.tag].append(row)
    return found


def _new(judged: Sequence[Judged], tags: set[int]) -> dict[int, list[tuple[int, int, Spot]]]:
    found: dict[int, list[tuple[int, int, Spot]]] = defaultdict(list)
    for number, each in enumerate(judged):
        for place, seen in enumerate(each.verdict.observations):
            if seen.tag in tags:
                spot = Spot(seen.start_ms, seen.start_ms + seen.span_ms, each.post.site)
                found[seen.tag].append((number, place, spot))
    return found


def _move(each: Judged, which: set[int]) -> None:
    """From the observations of a verdict to its rejections."""
    verdict, columns = each.verdict, each.report.columns
    moved = [verdict.observations[place] for place in sorted(which)]
    verdict.observations[:] = [seen for place, seen in enumerate(verdict.observations) if place not in which]
    for seen in moved:
        eid, auth = columns.eid[8 * seen.row : 8 * seen.row + 8], columns.auth[6 * seen.row : 6 * seen.row + 6]
        name = (*each.name, seen.row, rules.RELAYED)
        verdict.rejections.append(Rejection(*name, seen.start_ms, seen.span_ms, eid, auth, seen.adverts, seen.rssi_max))
    for tag in {seen.tag for seen in moved}:
        left = [(seen.start_ms, seen.start_ms + seen.span_ms) for seen in verdict.observations if seen.tag == tag]
        if left:
            verdict.spans[tag] = left
        else:
            del verdict.spans[tag]


def _take_back(
    connection: Connection,
    taken: Sequence[tuple[int, Row[tuple[object, ...]]]],
    ingest: Ingest,
    ground: Ground,
    now_ms: int,
) -> None:
    """What was believed is so no more, and neither is what followed from it."""
    site_of = _sites(connection)
    days: dict[str, list[rows.Row]] = defaultdict(list)
    apart: list[Rejection] = []
    places: dict[tuple[int, int], list[Span]] = defaultdict(list)
    for tag, row in taken:
        days[day_of(row.start_ms)].append((tag, row.start_ms, row.gateway, row.boot, row.seq, row.row))
        # Of what was believed only the tag and its slot were kept; they say what its identifier was.
        eid = ingest.identifier(tag, row.slot)
        name = (row.gateway, row.boot, row.seq, row.row, rules.RELAYED)
        apart.append(Rejection(*name, row.start_ms, row.span_ms, eid, b"", row.adverts, row.rssi_max))
        places[tag, row.place].append((row.start_ms, row.start_ms + row.span_ms))
    for day, keys in days.items():
        rows.delete(connection, heard.table_of_day(day), sorted(keys))
    rows.insert(connection, schema.rejected, apart)
    count_rejected(connection, apart)
    sites: dict[tuple[int, str], list[Span]] = defaultdict(list)
    for (tag, place), spans in places.items():
        _redraw_presence(connection, tag, place, spans)
        sites[tag, site_of[place]] += spans
    for (tag, site), spans in sites.items():
        at = [place for place, of in site_of.items() if of == site]
        _redraw_visits(connection, tag, (site, at), spans, (ground.absence_ms[site], now_ms))


def _redraw_presence(connection: Connection, tag: int, place: int, spans: Sequence[Span]) -> None:
    """Presence of a tag at a place in the hours of these spans, from what is left of what was heard there."""
    t = schema.presence.c
    first, last = min(start for start, _ in spans) - GAP_MS, max(end for _, end in spans) + GAP_MS
    for hour in range(first // CUT_MS * CUT_MS, last + 1, CUT_MS):
        low, high = hour - GAP_MS - LONGEST_MS, hour + CUT_MS + GAP_MS
        left: list[Span] = []
        for table in _days(connection, low, high):
            c = table.c
            near = select(c.start_ms, c.span_ms).where(c.tag == tag, c.place == place, c.start_ms.between(low, high))
            left += [(start, start + span) for start, span in connection.execute(near)]
        there = [span for span in presence([], left) if hour <= span[0] < hour + CUT_MS]
        of_hour = (t.place == place, t.tag == tag, t.start_ms >= hour, t.start_ms < hour + CUT_MS)
        connection.execute(schema.presence.delete().where(*of_hour))
        rows.insert(connection, schema.presence, [(place, start, tag, end) for start, end in there])


def _redraw_visits(
    connection: Connection, tag: int, where: tuple[str, list[int]], spans: Sequence[Span], when: tuple[int, int]
) -> None:
    """Visits of a tag to a site that these spans were part of, from the presences that are left of them."""
    (site, places), (absence_ms, now_ms) = where, when
    v, p = schema.visit.c, schema.presence.c
    low, high = min(start for start, _ in spans), max(end for _, end in spans)
    mine = select(v.came_ms, v.last_ms).where(v.site == site, v.tag == tag, v.came_ms <= high, v.last_ms >= low)
    for came, last in connection.execute(mine).all():
        near = select(p.start_ms, p.end_ms).where(p.tag == tag, p.place.in_(places), p.start_ms.between(came, last))
        left = merged([(start, end) for start, end in connection.execute(near)], absence_ms)
        if left == [(came, last)]:
            continue
        ended = now_ms - last >= absence_ms
        rows.delete(connection, schema.visit, [(site, came, tag)])
        corrected = now_ms if ended else None
        rows.insert(connection, schema.visit, [(site, start, tag, end, corrected) for start, end in left])
        if ended:  # what the book said until now is told
            rows.insert(connection, schema.visit_correction, [(new_id(), site, tag, now_ms, came, last)])


def _sites(connection: Connection) -> dict[int, str]:
    """The site of each place."""
    return {row.id: row.site for row in connection.execute(select(schema.place.c.id, schema.place.c.site))}


def _days(connection: Connection, low_ms: int, high_ms: int) -> list[Table]:
    """The tables of the days of a time."""
    there = set(inspect(connection).get_table_names())
    names = {day_of(at) for at in range(low_ms // DAY_MS * DAY_MS, high_ms + 1, DAY_MS)}
    return [heard.table_of_day(day) for day in sorted(names) if heard.PREFIX + day in there]


def _in_parts(tags: list[int]) -> Iterator[list[int]]:
    for at in range(0, len(tags), _PARAMETERS):
        yield tags[at : at + _PARAMETERS]
