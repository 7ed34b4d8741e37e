"""Who wears a tag, whose was heard, and how many phones were beside: read.  Nothing here writes."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Subquery, and_, case, false, func, or_, select

from zonetag_backend.names import text_key
from zonetag_backend.reports.reminder import FLAT as FLAT_TAG
from zonetag_backend.reports.reminder import SILENT
from zonetag_backend.store.order import BY_NAME
from zonetag_backend.store.schema import gateway, gateway_status, person, place, report, site, tag, tag_clock, wearing
from zonetag_backend.store.schema.office import departed, reminder, reminder_off, restriction, visitor

WEEK_MS = 7 * 86_400_000
FLAT = 0  # eighths of the battery, as in the book


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody of the staff: no visitor, and nobody who has left."""

    person: int
    name: str
    unit: str
    code: str
    tag: str
    # number of the tag worn now; empty: none
    since_ms: int | None
    # when it was handed out
    heard_ms: int | None
    # when it was heard last, by them
    battery: int
    # eighths; -1 unknown
    off: bool
    # does not want to be reminded
    reminded_ms: int | None
    # when a reminder to them was last put in line
    restricted: bool = False
    # nothing that was heard of them is told, and they are not reminded

    def heard(self, now_ms: int) -> bool:
        """Whether their tag was heard within a week."""
        return self.heard_ms is not None and self.heard_ms > now_ms - WEEK_MS

    def flat(self, now_ms: int) -> bool:
        """Whether its battery is nearly flat, as far as a tag that is heard can say."""
        return self.heard(now_ms) and 0 <= self.battery <= FLAT


@dataclass(frozen=True, slots=True)
class Unit:
    """Heads of one unit."""

    name: str
    # empty: not written down
    staff: int
    issued: int
    # wear a tag
    heard: int
    # of these, heard within a week
    flat: int

    @property
    def uncovered(self) -> int:
        """Who wears none."""
        return self.staff - self.issued


@dataclass(frozen=True, slots=True)
class Phones:
    """Phones with Bluezone beside one gateway: a mean of what its reports counted."""

    site: str
    place: str
    gateway: str
    beside: float | None
    # none: it has not told


@dataclass(frozen=True, slots=True)
class Tally:
    """Heads of all units."""

    units: list[Unit]
    # in the order of their names; those without one come last
    whole: Unit
    quiet: int
    # who have worn a tag for a week that was not heard within it, but for the restricted


# Whose tag a page shows.
UNCOVERED, QUIET, OFF = "uncovered", "quiet", "off"

_EIGHTHS = 8  # of the battery, the low bits of the status byte
_BYTES = 512  # more than there are status bytes, and one more for none
_NAMED = 1000  # ids in one statement
_now = and_(wearing.c.person == person.c.id, wearing.c.until_ms.is_(None))
_hidden = person.c.id.in_(select(restriction.c.person))
_staff = (
    person.c.name != "",
    person.c.id.not_in(select(visitor.c.person)),
    person.c.id.not_in(select(departed.c.person)),
)
_JOINED = (
    person.outerjoin(wearing, _now)
    .outerjoin(tag, and_(tag.c.id == wearing.c.tag, tag.c.state == "active"))
    .outerjoin(tag_clock, tag_clock.c.tag == tag.c.id)
)


def members(connection: Connection, which: Collection[int] | None = None) -> list[Member]:
    """The staff, or those of `which`, in the order of names."""
    last = select(func.max(reminder.c.made_ms)).where(reminder.c.person == person.c.id).scalar_subquery()
    statement = (
        select(
            person.c.id,
            person.c.name,
            person.c.unit,
            person.c.code,
            tag.c.number,
            wearing.c.since_ms,
            tag_clock.c.heard_ms,
            tag_clock.c.status,
            person.c.id.in_(select(reminder_off.c.person)),
            last,
            _hidden,
        )
        .select_from(_JOINED)
        .where(*_staff)
        .order_by(*BY_NAME)
    )
    if which is not None:
        statement = statement.where(person.c.id.in_(list(which)))
    found: dict[int, Member] = {}
    for who, name, unit, code, number, since, heard, byte, off, reminded, hidden in connection.execute(statement):
        at = heard if number and heard and since is not None and heard >= since and not hidden else None
        battery = -1 if byte is None or byte < 0 else byte % _EIGHTHS
        new = Member(who, name, unit, code or "", number or "", since, at, battery, bool(off), reminded, bool(hidden))
        known = found.get(who)  # somebody with two tags is covered by the one that was heard last
        if known is None or (new.heard_ms or 0, new.tag) > (known.heard_ms or 0, known.tag):
            found[who] = new
    return list(found.values())


def some(connection: Connection, whose: str, now_ms: int, part: slice | None = None) -> list[Member]:
    """Those of one kind, or `part` of them, in the order of names."""
    last = _last(now_ms)
    told = select(last.c.person).where(last.c.person.not_in(select(restriction.c.person)))
    who = person.c.id
    kinds = {
        UNCOVERED: who.not_in(_worn(wearing.c.person)),
        QUIET: who.in_(told.where(_quiet(last, now_ms))),
        OFF: who.in_(select(reminder_off.c.person)),
    }
    statement = select(who).where(kinds[whose], *_staff).order_by(*BY_NAME)
    if part is not None:
        statement = statement.offset(part.start or 0).limit(part.stop - (part.start or 0))
    return _named(connection, connection.scalars(statement).all())


def _named(connection: Connection, found: Sequence[int]) -> list[Member]:
    if len(found) > _NAMED:
        known = set(found)
        return [member for member in members(connection) if member.person in known]
    return members(connection, found)


def remindable(
    connection: Connection, causes: Collection[str], now_ms: int, every_ms: int, part: slice = slice(0, None)
) -> tuple[list[Member], int]:
    """Who is to be reminded now, a part of them in the order of names; and how many that are in all (0: none in it).

    `causes`: of reports.reminder.CAUSES.  Nobody who had one within `every_ms`, and nobody who wants none.  The rule is
    `reminders.due`, asked of the database: it need not tell of thousands to show a hundred.
    """
    last, who = _last(now_ms), person.c.id
    told = select(last.c.person).where(last.c.person.not_in(select(restriction.c.person)))
    tests = {SILENT: _quiet(last, now_ms), FLAT_TAG: _flat(last)}
    wanted = or_(false(), *(test for cause, test in tests.items() if cause in causes))
    lately = select(reminder.c.person).where(reminder.c.made_ms > now_ms - every_ms)
    asked = (who.in_(told.where(wanted)), who.not_in(select(reminder_off.c.person)), who.not_in(lately), *_staff)
    found = select(who, func.count().over()).where(*asked).order_by(*BY_NAME).offset(part.start)
    rows = connection.execute(found.limit(None if part.stop is None else part.stop - part.start)).all()
    return _named(connection, [row[0] for row in rows]), rows[0][1] if rows else 0


def tally(connection: Connection, now_ms: int) -> Tally:
    """How many there are, by unit and together."""
    last = _last(now_ms)
    joined = person.outerjoin(last, last.c.person == person.c.id)
    told = and_(last.c.person.is_not(None), ~_hidden)
    tests = (last.c.person.is_not(None), and_(told, last.c.last > 0), and_(told, _flat(last)))
    sums = [func.sum(case((test, 1), else_=0)) for test in (*tests, and_(told, _quiet(last, now_ms)))]
    statement = select(person.c.unit, func.count(), *sums).select_from(joined).where(*_staff)
    # Sums of PostgreSQL are decimal numbers.
    rows = [
        (name, *(int(count) for count in counts))
        for name, *counts in connection.execute(statement.group_by(person.c.unit))
    ]
    units = sorted(
        (Unit(name, staff, issued, heard, flat) for name, staff, issued, heard, flat, _ in rows),
        key=lambda unit: (not unit.name, text_key(unit.name), unit.name),
    )
    whole = Unit(
        "",
        sum(each.staff for each in units),
        sum(each.issued for each in units),
        sum(each.heard for each in units),
        sum(each.flat for each in units),
    )
    return Tally(units, whole, sum(quiet for *_, quiet in rows))


def _worn(*columns: ColumnElement[Any]) -> Select[Any]:
    """Of the tags in use that are worn now."""
    joined = wearing.join(tag, tag.c.id == wearing.c.tag)
    return select(*columns).select_from(joined).where(wearing.c.until_ms.is_(None), tag.c.state == "active")


def _last(now_ms: int) -> Subquery:
    """Who wears a tag, and `last`: when it was heard within a week by them, with its status byte; 0: it was not.

    `newest`: when the newest of their tags was handed out.
    Of several the one that was heard last: time and byte in one number, so that the greatest is the last with its byte.
    """
    clock = tag_clock.c
    recent = and_(clock.heard_ms > now_ms - WEEK_MS, clock.heard_ms >= wearing.c.since_ms)
    both = clock.heard_ms * _BYTES + func.coalesce(clock.status, -1) + 1
    last = func.max(case((recent, both), else_=0)).label("last")
    newest = func.max(wearing.c.since_ms).label("newest")
    statement = _worn(wearing.c.person, last, newest).outerjoin(tag_clock, clock.tag == tag.c.id)
    return statement.group_by(wearing.c.person).subquery()


def _quiet(last: Subquery, now_ms: int) -> ColumnElement[bool]:
    """Not heard for a week; a tag handed out within the week has time yet."""
    return and_(last.c.last == 0, last.c.newest <= now_ms - WEEK_MS)


def _flat(last: Subquery) -> ColumnElement[bool]:
    byte = last.c.last % _BYTES - 1
    return and_(byte >= 0, byte % _EIGHTHS <= FLAT)


def phones(connection: Connection) -> list[Phones]:
    """By site and gateway; what a gateway counts of phones is how many a report, and its tallies hold their sum."""
    rows = connection.execute(
        select(site.c.title, place.c.name, gateway.c.name.label("gateway"), gateway_status.c.health)
        .select_from(gateway)
        .join(place, place.c.id == gateway.c.place)
        .join(site, site.c.name == place.c.site)
        .outerjoin(
            gateway_status, and_(gateway_status.c.gateway == gateway.c.name, gateway_status.c.site == site.c.name)
        )
    )
    found = [Phones(at, where, name, _beside(connection, name, health)) for at, where, name, health in rows]
    return sorted(found, key=lambda each: (text_key(each.site), text_key(each.place), each.gateway))


def _beside(connection: Connection, name: str, health: str | None) -> float | None:
    try:
        told = json.loads(health or "{}")  # it comes from outside and may be anything
    except ValueError:
        return None
    tallies = told.get("tallies") if isinstance(told, dict) else None
    counted = tallies.get("phones.bluezone", 0) if isinstance(tallies, dict) else None
    if not isinstance(counted, int) or isinstance(counted, bool) or counted < 0:
        return None
    # Both are counted from the gateway's start, with which a boot begins.
    last = select(report.c.seq).where(report.c.gateway == name).order_by(report.c.boot.desc(), report.c.seq.desc())
    reports = connection.scalar(last.limit(1))
    return counted / reports if reports else None
