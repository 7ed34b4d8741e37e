"""Every tag with its wearer, state and last sign of life, read.  No key is read here."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, case, delete, func, insert, select

from zonetag_backend.errors import BadValue, NotFound
from zonetag_backend.store.schema import person, tag, tag_clock, wearing
from zonetag_backend.store.schema.office import restriction, visitor_tag
from zonetag_backend.store.tags import ACTIVE, NO_STATUS, RETIRED
from zonetag_protocol import status as status_byte


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag as the office sees it."""

    id: int
    number: str
    kind: str
    # "zonetag" or "eddystone-eid"
    state: str
    # "active", "lost" or "retired"
    person: int | None
    # who wears it now
    name: str
    unit: str
    for_visitors: bool
    heard_ms: int
    # 0: never, or not told
    battery: int | None
    # eighths of its capacity, 0 nearly flat; none: it has not said
    version: int | None
    # of the format of its status

    @property
    def free(self) -> bool:
        """Whether it can be handed out."""
        return self.person is None and self.state == ACTIVE


def tags(connection: Connection, which: int | None = None, floor_ms: int = 0) -> list[Tag]:
    """All tags, or that of an id, by number; what was heard before `floor_ms`, or of the restricted, is not told."""
    heard = and_(tag_clock.c.heard_ms >= floor_ms, func.coalesce(person.c.id, -1).not_in(select(restriction.c.person)))
    joined = (
        tag.outerjoin(tag_clock, tag_clock.c.tag == tag.c.id)
        .outerjoin(wearing, and_(wearing.c.tag == tag.c.id, wearing.c.until_ms.is_(None)))
        .outerjoin(person, person.c.id == wearing.c.person)
        .outerjoin(visitor_tag, visitor_tag.c.tag == tag.c.id)
    )
    statement = select(
        tag.c.id,
        tag.c.number,
        tag.c.kind,
        tag.c.state,
        person.c.id,
        func.coalesce(person.c.name, ""),
        func.coalesce(person.c.unit, ""),
        visitor_tag.c.tag.is_not(None),
        case((heard, tag_clock.c.heard_ms), else_=0),
        func.coalesce(tag_clock.c.status, NO_STATUS),
    ).select_from(joined)
    if which is not None:
        statement = statement.where(tag.c.id == which)
    found = []
    row: Any  # nine columns in the order of Tag, and the status byte
    for row in connection.execute(statement.order_by(tag.c.number)):
        told = None if row[9] == NO_STATUS else status_byte.unpack(row[9])
        values: Any = (*row[:9], told and told.battery, told and told.version)
        found.append(Tag(*values))
    return found


def with_id(connection: Connection, which: int) -> Tag:
    """One of them.  NotFound."""
    found = tags(connection, which)
    if not found:
        raise NotFound("there is no such tag: zonetag tag list shows all")
    return found[0]


def numbered(connection: Connection, number: str) -> Tag:
    """The tag of a printed number, as somebody types or scans it: capitals and spaces around it do not count."""
    wanted = number.strip()
    found = connection.scalar(select(tag.c.id).where(tag.c.number == wanted))
    if found is None and wanted:
        same = connection.scalars(select(tag.c.id).where(func.lower(tag.c.number) == wanted.lower())).all()
        found = same[0] if len(same) == 1 else None
    if found is None:
        raise NotFound(f"there is no tag {wanted}: zonetag tag list shows all")
    return with_id(connection, int(found))


def keep_for_visitors(connection: Connection, which: int, kept: bool) -> None:
    """Keep a tag at the desk for visitors, or no longer.  BadValue for one that is out of use."""
    if kept and with_id(connection, which).state == RETIRED:
        raise BadValue("this tag is out of use for good")
    connection.execute(delete(visitor_tag).where(visitor_tag.c.tag == which))
    if kept:
        connection.execute(insert(visitor_tag).values(tag=which))
