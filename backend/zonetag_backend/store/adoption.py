"""Who wears a tag, whose was heard, and how many phones were beside: read.  Nothing here writes."""

import json
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, Subquery, and_, case, func, or_, select

from zonetag_backend.names import text_key
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
    # who wear a tag that was not heard within a week, but for the restricted


# Whose tag a page shows.
UNCOVERED, QUIET, SILENT_OR_FLAT, OFF = "uncovered", "quiet", "silent or flat", "off"

_EIGHTHS = 8  # of the battery, the low bits of the status byte
_NAMED = 1000  # ids
_LEVELS = 512  # more than there are status bytes, with one more for none
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
        .order_by(person.c.name_order, person.c.unit, person.c.code, person.c.id)
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


def some(connection: Connection, whose: str, now_ms: int, most: int | None = None) -> list[Member]:
    """Those of one kind, the first `most` in the order of names."""
    each = _each(now_ms)
    kinds = {
        UNCOVERED: each.c.issued == 0,
        QUIET: each.c.quiet == 1,
        SILENT_OR_FLAT: or_(each.c.quiet == 1, each.c.flat == 1),
        OFF: each.c.id.in_(select(reminder_off.c.person)),
    }
    statement = select(each.c.id).where(kinds[whose]).order_by(each.c.name_order, each.c.unit, each.c.code, each.c.id)
    found = connection.scalars(statement if most is None else statement.limit(most)).all()
    if len(found) > _NAMED:  # more than a statement may name
        known = set(found)
        return [member for member in members(connection) if member.person in known]
    return members(connection, found)


def tally(connection: Connection, now_ms: int) -> Tally:
    """How many there are, by unit and together."""
    c = _each(now_ms).c
    sums = [func.sum(column) for column in (c.issued, c.heard, c.flat, c.quiet)]
    # Sums of PostgreSQL are decimal numbers.
    rows = [
        (Unit(name, *(int(count) for count in counts[:-1])), int(counts[-1]))
        for name, *counts in connection.execute(select(c.unit, func.count(), *sums).group_by(c.unit))
    ]
    units = sorted((unit for unit, _ in rows), key=lambda unit: (not unit.name, text_key(unit.name), unit.name))
    whole = Unit(
        "",
        sum(each.staff for each in units),
        sum(each.issued for each in units),
        sum(each.heard for each in units),
        sum(each.flat for each in units),
    )
    return Tally(units, whole, sum(quiet for _, quiet in rows))


def _each(now_ms: int) -> Subquery:
    """Each of the staff with what counts of them, as 0 or 1; as `members` says it, of the tag that was heard last."""
    heard_ms = tag_clock.c.heard_ms
    told = and_(tag.c.id.is_not(None), heard_ms > 0, heard_ms >= wearing.c.since_ms, ~_hidden)
    # The time of hearing and the status byte in one number, so that the greatest is the last hearing with its byte.
    byte = func.coalesce(tag_clock.c.status, -1) + 1
    last = func.max(case((told, heard_ms * _LEVELS + byte), else_=0))
    heard = last >= (now_ms - WEEK_MS + 1) * _LEVELS
    flat = and_(heard, last % _LEVELS > 0, (last % _LEVELS - 1) % _EIGHTHS <= FLAT)
    issued = func.max(case((tag.c.id.is_not(None), 1), else_=0))
    quiet = and_(issued == 1, ~heard, ~_hidden)
    p = person.c
    return (
        select(
            *(p.id, p.unit, p.code, p.name_order, issued.label("issued")),
            *(
                case((test, 1), else_=0).label(name)
                for name, test in (("heard", heard), ("flat", flat), ("quiet", quiet))
            ),
        )
        .select_from(_JOINED)
        .where(*_staff)
        .group_by(p.id)
        .subquery()
    )


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
        .order_by(site.c.title, place.c.name, gateway.c.name)
    )
    return [Phones(at, where, name, _beside(connection, name, health)) for at, where, name, health in rows]


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
