"""What a person's page shows beside the stays: who that is, which tags, and the places of a day.  Read only."""

from dataclasses import dataclass

from sqlalchemy import Connection, and_, or_, select

from zonetag_backend.presence import CUT_MS
from zonetag_backend.store import whereabouts
from zonetag_backend.store.schema import person, place, presence, tag, wearing

# Presence is cut at an hour: pieces of one place that follow each other so closely were one.
JOIN_MS = 60_000


@dataclass(frozen=True, slots=True)
class Worn:
    """A tag that a person wears or wore."""

    number: str
    since_ms: int
    until_ms: int | None
    # none: worn now


@dataclass(frozen=True, slots=True)
class Person:
    """A person on record."""

    id: int
    name: str
    unit: str
    code: str
    worn: tuple[Worn, ...]
    # latest first


@dataclass(frozen=True, slots=True)
class Spell:
    """An unbroken time at one place."""

    site: str
    place: str
    kind: str
    # "entrance" or "room"
    start_ms: int
    end_ms: int


def person_with(connection: Connection, id: int) -> Person | None:
    """A person by its identifier, or none."""
    row = connection.execute(select(person).where(person.c.id == id)).first()
    if row is None:
        return None
    worn = connection.execute(
        select(tag.c.number, wearing.c.since_ms, wearing.c.until_ms)
        .join(tag, tag.c.id == wearing.c.tag)
        .where(wearing.c.person == id)
        .order_by(wearing.c.since_ms.desc())
    )
    return Person(row.id, row.name, row.unit, row.code or "", tuple(Worn(*each) for each in worn))


def spells_of_person(connection: Connection, who: int, start_ms: int, end_ms: int) -> list[Spell]:
    """Where the tags that a person wore were within [start_ms, end_ms), cut to that time and to the wearing.

    Of several places that heard them at once, the likeliest.
    """
    rows = connection.execute(
        select(
            place.c.id,
            place.c.site,
            place.c.name,
            place.c.kind,
            presence.c.start_ms,
            presence.c.end_ms,
            wearing.c.since_ms,
            wearing.c.until_ms,
        )
        .select_from(wearing)
        .join(
            presence,
            and_(
                presence.c.tag == wearing.c.tag,
                presence.c.start_ms >= start_ms - CUT_MS,
                presence.c.start_ms < end_ms,
                presence.c.end_ms >= wearing.c.since_ms,
                or_(wearing.c.until_ms.is_(None), presence.c.start_ms < wearing.c.until_ms),
            ),
        )
        .join(place, place.c.id == presence.c.place)
        .where(wearing.c.person == who, presence.c.end_ms >= start_ms)
        .order_by(presence.c.start_ms)
    )
    named: dict[int, tuple[str, str, str]] = {}
    stays = []
    for row in rows:
        start = max(row.start_ms, start_ms, row.since_ms)
        end = min(row.end_ms, end_ms, row.end_ms if row.until_ms is None else row.until_ms)
        named[row.id] = (row.site, row.name, row.kind)
        stays.append((row.id, start, end))
    spells: dict[int, list[Spell]] = {}
    for where, start, end in whereabouts.settled_stays(connection, who, (start_ms, end_ms), stays):
        at_place = spells.setdefault(where, [])
        if at_place and start - at_place[-1].end_ms <= JOIN_MS:
            earlier = at_place.pop()
            at_place.append(Spell(*named[where], earlier.start_ms, max(end, earlier.end_ms)))
        else:
            at_place.append(Spell(*named[where], start, end))
    return sorted((spell for each in spells.values() for spell in each), key=lambda s: (s.start_ms, s.place))
