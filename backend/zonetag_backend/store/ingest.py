"""The one transaction in which reports become rows.  What it writes of a report it writes once, whoever else writes."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, and_, bindparam, func, select, update

from zonetag_backend import rules
from zonetag_backend.presence import CUT_MS, Span, presence, reach
from zonetag_backend.records import Observation, Post, Rejection, Verdict, day_of
from zonetag_backend.store import chain, heard, rows, schema, status
from zonetag_backend.store.apart import Room
from zonetag_backend.store.chain import Name
from zonetag_backend.store.registry import new_id
from zonetag_backend.tagclock import STORED, Track
from zonetag_backend.visits import Visit, visits
from zonetag_protocol.report import Report

_PARAMETERS = 500  # at a time: SQLite takes no more than some thousand


@dataclass(frozen=True, slots=True)
class Judged:
    """A report with what it means, ready to be written."""

    report: Report
    hash: bytes
    # SHA-256 of its payload
    post: Post
    verdict: Verdict

    @property
    def name(self) -> Name:
        """What names it."""
        return self.report.gateway, self.report.boot, self.report.seq


def write(
    connection: Connection, judged: Sequence[Judged], absence_ms: dict[str, int], now_ms: int, room: Room
) -> None:
    """Write reports that are not in yet, and all that follows from them; `room`: for what is kept apart."""
    rows.insert(connection, schema.report, [_report_row(each, now_ms) for each in judged])
    _write_rejected(connection, judged, room, now_ms)
    write_meaning(connection, judged, absence_ms, now_ms)
    _count_broken(connection, judged)


def write_meaning(connection: Connection, judged: Sequence[Judged], absence_ms: dict[str, int], now_ms: int) -> None:
    """What follows from observations alone, also from those of a report that is in already (store/repair.py)."""
    _write_heard(connection, judged)
    _write_clocks(connection, judged)
    for (place, site), spans in _near(judged).items():
        _write_presence(connection, place[0], spans)
        _write_visits(connection, site, spans, absence_ms[site], now_ms)


def _report_row(each: Judged, now_ms: int) -> rows.Row:
    r = each.report
    base = r.base
    return (
        *each.name,
        base.utc_ms,
        base.monotonic_ms,
        base.synchronised,
        now_ms,
        r.columns.n,
        each.hash,
        r.previous,
    )


def _write_heard(connection: Connection, judged: Sequence[Judged]) -> None:
    days: dict[str, list[Observation]] = defaultdict(list)
    for each in judged:
        observations = each.verdict.observations
        if not observations:
            continue
        first, last = day_of(observations[0].start_ms), day_of(observations[-1].start_ms)  # in order of capture
        if first == last:
            days[first] += observations
        else:
            for observation in observations:
                days[day_of(observation.start_ms)].append(observation)
    for day, of_day in days.items():
        of_day.sort()  # as the table is: its pages are then written one after another
        rows.insert(connection, heard.make(connection, day), of_day)


def _write_rejected(connection: Connection, judged: Sequence[Judged], room: Room, now_ms: int) -> None:
    rejections = [rejection for each in judged for rejection in each.verdict.rejections]
    # A clock that is ahead must not keep a window for longer than any other, nor at the head of the list.
    kept = [
        each._replace(start_ms=now_ms) if each.reason == rules.CLOCK and each.start_ms > now_ms else each
        for each in room.admit(rejections, now_ms)
    ]
    rows.insert(connection, schema.rejected, kept)
    count_rejected(connection, rejections)


def count_rejected(connection: Connection, rejections: Sequence[Rejection]) -> None:
    """Count windows that are kept apart, whether they get a row or not."""
    t = schema.rejected_total
    for (gateway, reason), n in Counter((r.gateway, r.reason) for r in rejections).items():
        here = and_(t.c.gateway == gateway, t.c.reason == reason)
        if not connection.execute(update(t).where(here).values(windows=t.c.windows + n)).rowcount:
            connection.execute(t.insert().values(gateway=gateway, reason=reason, windows=n))


def _write_clocks(connection: Connection, judged: Sequence[Judged]) -> None:
    tracks: dict[int, Track] = {}
    for each in judged:
        tracks |= each.verdict.tracks  # in the order in which they were judged
    rows.upsert(connection, schema.tag_clock, [(tag, *track[:STORED]) for tag, track in sorted(tracks.items())])


Near = dict[tuple[tuple[int, int], str], dict[int, list[Span]]]
"""By place and hour, and site: when each tag was heard."""


def _near(judged: Sequence[Judged]) -> Near:
    """What was heard, put together where one look into the tables serves it: the same place, about the same hour."""
    near: Near = {}
    for each in judged:
        hour = each.report.base.utc_ms // CUT_MS
        spans = near.setdefault(((each.post.place, hour), each.post.site), defaultdict(list))
        for tag, of_tag in each.verdict.spans.items():
            spans[tag] += of_tag
    return {where: spans for where, spans in near.items() if spans}


def _write_presence(connection: Connection, place: int, spans: dict[int, list[Span]]) -> None:
    low, high = reach(span for of_tag in spans.values() for span in of_tag)
    old: dict[int, list[Span]] = defaultdict(list)
    for tag, start, end in connection.execute(_PRESENCE, {"place": place, "low": low, "high": high}):
        if tag in spans:
            old[tag].append((start, end))
    gone: list[rows.Row] = []
    there: list[rows.Row] = []
    for tag, of_tag in spans.items():
        before = old[tag]
        now = presence(before, of_tag)
        starts = {start for start, _ in now}
        gone += [(place, start, tag) for start, _ in before if start not in starts]
        there += [(place, start, tag, end) for start, end in set(now).difference(before)]
    rows.delete(connection, schema.presence, sorted(gone))
    rows.upsert(connection, schema.presence, sorted(there))


def _write_visits(
    connection: Connection, site: str, spans: dict[int, list[Span]], absence_ms: int, now_ms: int
) -> None:
    everything = [span for of_tag in spans.values() for span in of_tag]
    low = min(start for start, _ in everything) - absence_ms
    high = max(end for _, end in everything) + absence_ms
    tags = sorted(spans)
    old: dict[int, list[Visit]] = defaultdict(list)
    for at in range(0, len(tags), _PARAMETERS):
        values = {"site": site, "low": low, "high": high, "tags": tags[at : at + _PARAMETERS]}
        for tag, came, last, corrected in connection.execute(_VISITS, values):
            old[tag].append(Visit(came, last, corrected))
    gone: list[rows.Row] = []
    there: list[rows.Row] = []
    corrections: list[rows.Row] = []
    for tag in tags:
        change = visits(old[tag], spans[tag], absence_ms, now_ms)
        still = {visit.came_ms for visit in change.there}
        gone += [(site, visit.came_ms, tag) for visit in change.gone if visit.came_ms not in still]
        there += [(site, visit.came_ms, tag, visit.last_ms, visit.corrected_ms) for visit in change.there]
        corrections += [(new_id(), site, tag, now_ms, v.came_ms, v.last_ms) for v in change.corrections]
    rows.delete(connection, schema.visit, gone)
    rows.upsert(connection, schema.visit, there)
    rows.insert(connection, schema.visit_correction, corrections)


def _count_broken(connection: Connection, judged: Sequence[Judged]) -> None:
    sites = {each.report.gateway: each.post.site for each in judged}
    links = {each.name: (each.hash, each.report.previous) for each in judged}
    for gateway, n in chain.breaks(connection, links).items():
        status.count(connection, gateway, sites[gateway], broken=n)


_PRESENCE = select(schema.presence.c.tag, schema.presence.c.start_ms, schema.presence.c.end_ms).where(
    schema.presence.c.place == bindparam("place"),
    schema.presence.c.start_ms >= bindparam("low"),
    schema.presence.c.start_ms <= bindparam("high"),
)

# Of each tag the last visit that began before the range, however long it lasts, and those that began within it.
_earlier = (
    select(func.max(schema.visit.c.came_ms))
    .where(
        schema.visit.c.tag == schema.tag.c.id,
        schema.visit.c.site == bindparam("site"),
        schema.visit.c.came_ms <= bindparam("low"),
    )
    .correlate(schema.tag)
    .scalar_subquery()
)
_VISITS = (
    select(schema.visit.c.tag, schema.visit.c.came_ms, schema.visit.c.last_ms, schema.visit.c.corrected_ms)
    .select_from(schema.tag)
    .join(
        schema.visit,
        and_(
            schema.visit.c.tag == schema.tag.c.id,
            schema.visit.c.came_ms >= func.coalesce(_earlier, bindparam("low")),
            schema.visit.c.came_ms <= bindparam("high"),
        ),
    )
    .where(
        schema.tag.c.id.in_(bindparam("tags", expanding=True)),
        schema.visit.c.site == bindparam("site"),
        schema.visit.c.last_ms >= bindparam("low"),
    )
)
