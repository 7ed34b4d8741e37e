"""The in-out book of a site, read: who came, who left, where they were last heard.  Nothing here writes.

A visit belongs to a tag; who it belongs to is found through who wore the tag then, so a visit during which a tag
changed hands is cut into one stay for each wearer.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BigInteger,
    Connection,
    Engine,
    Select,
    Subquery,
    and_,
    bindparam,
    case,
    func,
    literal,
    or_,
    select,
)

from zonetag_backend.names import text_key
from zonetag_backend.store import restrictions, whereabouts
from zonetag_backend.store.schema import person, site, tag, tag_clock, visit, visit_correction, wearing
from zonetag_backend.tracing.passage import Way
from zonetag_protocol import status

Database = Engine  # what the pages hold of the store, without knowing SQLAlchemy


@dataclass(frozen=True, slots=True)
class Site:
    """A site as the pages need it."""

    name: str
    title: str
    timezone: str
    # IANA name
    absence_ms: int
    # unheard for so long is out

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of the site's clocks on the wall."""
        return ZoneInfo(self.timezone)


@dataclass(frozen=True, slots=True)
class Correction:
    """What the book said before a late report changed it."""

    at_ms: int
    # when it was corrected
    came_ms: int
    last_ms: int


@dataclass(frozen=True, slots=True)
class Stay:
    """One visit, or the part of it in which one person wore the tag."""

    site: str
    tag: int
    tag_number: str
    person: int | None
    # none: nobody wore the tag
    name: str
    unit: str
    code: str
    came_ms: int
    last_ms: int
    # last hearing; or when the tag was handed back, if that was earlier
    inside: bool
    # heard within the site's absence time, and still worn by this person
    place: str
    # where it was last, by all gateways that heard it then; empty when no presence is kept any more
    battery: int
    # eighths; -1 unknown
    corrections: tuple[Correction, ...]
    door: Way | None = None
    # what gateways on both sides of the site's door say; none: it has none, or nobody asked (store/doors.py)


def zone_of(timezone: str) -> ZoneInfo:
    """The time zone of an IANA name."""
    return ZoneInfo(timezone)


def sites(connection: Connection) -> list[Site]:
    """Every site, by its title."""
    rows = connection.execute(select(site))
    found = [Site(row.name, row.title, row.timezone, row.absence_s * 1000) for row in rows]
    return sorted(found, key=lambda each: (text_key(each.title), each.name))


def site_named(connection: Connection, name: str) -> Site | None:
    """One site, or none of that name."""
    row = connection.execute(select(site).where(site.c.name == name)).first()
    return None if row is None else Site(row.name, row.title, row.timezone, row.absence_s * 1000)


def stays_of_day(
    connection: Connection,
    of: Site,
    day: range,
    now_ms: int,
    *,
    tags: Collection[int] | None = None,
    places: bool = True,
    all_people: bool = False,
) -> list[Stay]:
    """Stays at a site that touch a day (a range of UTC ms), in the order of their beginning.

    `tags` narrows to those; without `places` every place is left empty, which takes a third of the time.
    Who had their data restricted is left out, but for `all_people`: for a list of who has to be got out of the house.
    """
    start_ms, end_ms = day.start, day.stop
    within_day = _visit_columns().where(visit.c.site == of.name, visit.c.came_ms >= start_ms, visit.c.came_ms < end_ms)
    # A visit that began before the day can only be the tag's last one before it: one seek a tag, however long ago.
    # Only scalar subqueries: a join SQLite would begin with every visit of the site.
    before = visit.alias("before")
    came = (
        select(func.max(before.c.came_ms))
        .where(before.c.tag == tag.c.id, before.c.site == of.name, before.c.came_ms < start_ms)
        .correlate(tag)
        .scalar_subquery()
    )
    this_one = and_(visit.c.site == of.name, visit.c.tag == tag.c.id, visit.c.came_ms == came)
    last = select(visit.c.last_ms).where(this_one).correlate(tag).scalar_subquery()
    corrected = select(visit.c.corrected_ms).where(this_one).correlate(tag).scalar_subquery()
    before_day = select(literal(of.name), came, tag.c.id, last, corrected).where(last >= start_ms)
    if tags is not None:
        within_day = within_day.where(visit.c.tag.in_(tags))
        before_day = before_day.where(tag.c.id.in_(tags))
    visits = within_day.union_all(before_day).subquery("visits")
    rows = connection.execute(_with_wearers(visits)).all()
    hidden = frozenset() if all_people else restrictions.everybody(connection)
    stays = [stay for stay in _stays(connection, rows, {of.name: of}, now_ms, places) if stay.person not in hidden]
    return sorted(
        (stay for stay in stays if stay.last_ms >= start_ms and stay.came_ms < end_ms), key=lambda s: s.came_ms
    )


def stays_of_person(connection: Connection, who: int, start_ms: int, end_ms: int, now_ms: int) -> list[Stay]:
    """Stays of a person at any site that touch [start_ms, end_ms), in the order of their beginning."""
    asked = {"who": who, "start": start_ms, "end": end_ms}
    rows = [row for row in connection.execute(_of_person(), asked) if row.person == who]
    stays = _stays(connection, rows, {each.name: each for each in sites(connection)}, now_ms)
    return sorted(
        (stay for stay in stays if stay.last_ms >= start_ms and stay.came_ms < end_ms), key=lambda s: s.came_ms
    )


@cache  # building it takes as long as asking it
def _of_person() -> Select[Any]:
    """The visits of all tags of a person (`who`) that touch a time (`start`, `end`)."""
    who, start, end = (bindparam(name, type_=BigInteger) for name in ("who", "start", "end"))
    worn = (
        select(wearing.c.tag)
        .where(
            wearing.c.person == who,
            wearing.c.since_ms < end,
            or_(wearing.c.until_ms.is_(None), wearing.c.until_ms > start),
        )
        .distinct()
    )
    # The tags of one person are few; the index (tag, came_ms) gives each one's visits.
    here = (visit.c.tag.in_(worn), visit.c.came_ms < end, visit.c.last_ms >= start)
    return _with_wearers(select(visit).where(*here).subquery("visits"))


def _visit_columns() -> Select[Any]:
    return select(visit.c.site, visit.c.came_ms, visit.c.tag, visit.c.last_ms, visit.c.corrected_ms)


def _with_wearers(visits: Subquery) -> Select[Any]:
    """Rows of a visit, its tag, and each person who wore the tag during it (or one row without a person)."""
    came = case((wearing.c.since_ms > visits.c.came_ms, wearing.c.since_ms), else_=visits.c.came_ms)
    last = case((wearing.c.until_ms < visits.c.last_ms, wearing.c.until_ms), else_=visits.c.last_ms)
    return (
        select(
            visits.c.site,
            visits.c.tag,
            visits.c.corrected_ms,
            visits.c.last_ms.label("heard_ms"),
            came.label("came_ms"),
            last.label("last_ms"),
            wearing.c.until_ms,
            wearing.c.person,
            person.c.name,
            person.c.unit,
            person.c.code,
            tag.c.number,
            tag_clock.c.status,
        )
        .select_from(visits)
        .join(tag, tag.c.id == visits.c.tag)
        .outerjoin(tag_clock, tag_clock.c.tag == visits.c.tag)
        .outerjoin(
            wearing,
            and_(
                wearing.c.tag == visits.c.tag,
                wearing.c.since_ms <= visits.c.last_ms,
                or_(wearing.c.until_ms.is_(None), wearing.c.until_ms > visits.c.came_ms),
            ),
        )
        .outerjoin(person, person.c.id == wearing.c.person)
    )


def _stays(
    connection: Connection, rows: Sequence[Any], by_name: Mapping[str, Site], now_ms: int, places: bool = True
) -> list[Stay]:
    at = whereabouts.names_at(connection, [(row[1], row[0], row[5]) for row in rows]) if places else [""] * len(rows)
    corrections = _corrections(connection, {row.tag for row in rows if row.corrected_ms is not None})
    found = []
    # By position, in the order of _with_wearers: by name it costs as much as the query, for an office of 2,000.
    for row, where in zip(rows, at, strict=True):
        of, tag_id, corrected_ms, heard_ms, came_ms, last_ms, until_ms, who, name, unit, code, number, byte = row
        inside = heard_ms > now_ms - by_name[of].absence_ms and (until_ms is None or until_ms > now_ms)
        before: tuple[Correction, ...] = ()
        if corrected_ms is not None:
            of_tag = corrections.get((of, tag_id), ())
            before = tuple(each for each in of_tag if each.came_ms <= last_ms and each.last_ms >= came_ms)
        found.append(
            Stay(
                site=of,
                tag=tag_id,
                tag_number=number,
                person=who,
                name=name or "",
                unit=unit or "",
                code=code or "",
                came_ms=came_ms,
                last_ms=last_ms,
                inside=inside,
                place=where,
                battery=_battery(byte),
                corrections=before,
            )
        )
    return found


def _battery(byte: int | None) -> int:
    return -1 if byte is None or byte < 0 else status.unpack(byte).battery


def _corrections(connection: Connection, tags: set[int]) -> dict[tuple[str, int], list[Correction]]:
    found: dict[tuple[str, int], list[Correction]] = defaultdict(list)
    wanted = sorted(tags)
    for start in range(0, len(wanted), 500):  # SQLite takes no more than some thousand parameters
        rows = connection.execute(
            select(visit_correction)
            .where(visit_correction.c.tag.in_(wanted[start : start + 500]))
            .order_by(visit_correction.c.at_ms, visit_correction.c.came_ms)
        )
        for row in rows:
            found[row.site, row.tag].append(Correction(row.at_ms, row.came_ms, row.last_ms))
    return found
