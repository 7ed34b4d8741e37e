"""Who wears a tag, whose was heard, and how many phones were beside: read.  Nothing here writes."""

import json
from dataclasses import dataclass

from sqlalchemy import Connection, and_, func, select

from zonetag_backend.names import folded, sort_key
from zonetag_backend.store.schema import gateway, gateway_status, person, place, report, site, tag, tag_clock, wearing
from zonetag_backend.store.schema.office import departed, reminder, reminder_off, restriction, visitor
from zonetag_protocol import status

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


def members(connection: Connection) -> list[Member]:
    """The staff, in the order of names."""
    now = and_(wearing.c.person == person.c.id, wearing.c.until_ms.is_(None))
    last = select(func.max(reminder.c.made_ms)).where(reminder.c.person == person.c.id).scalar_subquery()
    rows = connection.execute(
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
            person.c.id.in_(select(restriction.c.person)),
        )
        .select_from(person)
        .outerjoin(wearing, now)
        .outerjoin(tag, and_(tag.c.id == wearing.c.tag, tag.c.state == "active"))
        .outerjoin(tag_clock, tag_clock.c.tag == tag.c.id)
        .where(
            person.c.name != "",
            person.c.id.not_in(select(visitor.c.person)),
            person.c.id.not_in(select(departed.c.person)),
        )
    )
    found: dict[int, Member] = {}
    for who, name, unit, code, number, since, heard, byte, off, reminded, hidden in rows:
        at = heard if number and heard and since is not None and heard >= since and not hidden else None
        battery = -1 if byte is None or byte < 0 else status.unpack(byte).battery
        new = Member(who, name, unit, code or "", number or "", since, at, battery, bool(off), reminded, bool(hidden))
        known = found.get(who)  # somebody with two tags is covered by the one that was heard last
        if known is None or (new.heard_ms or 0, new.tag) > (known.heard_ms or 0, known.tag):
            found[who] = new
    return sorted(found.values(), key=lambda each: (sort_key(each.name), each.unit, each.code))


def units(of: list[Member], now_ms: int) -> list[Unit]:
    """By unit, in the order of their names; those without one come last."""
    groups: dict[str, list[Member]] = {}
    for member in of:
        groups.setdefault(member.unit, []).append(member)
    return [_unit(name, groups[name], now_ms) for name in sorted(groups, key=lambda n: (not n, folded(n), n))]


def total(of: list[Member], now_ms: int) -> Unit:
    """All of them together."""
    return _unit("", of, now_ms)


def _unit(name: str, group: list[Member], now_ms: int) -> Unit:
    return Unit(
        name,
        len(group),
        sum(member.tag != "" for member in group),
        sum(member.heard(now_ms) for member in group),
        sum(member.flat(now_ms) for member in group),
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
