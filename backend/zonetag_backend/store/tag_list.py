"""Every tag with its wearer, state and last sign of life, read.  No key is read here."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, delete, func, insert, or_, select, true

from zonetag_backend.errors import BadValue, NotFound
from zonetag_backend.names import asked
from zonetag_backend.store import typed_number
from zonetag_backend.store.order import by_bytes
from zonetag_backend.store.schema import person, tag, tag_clock, wearing
from zonetag_backend.store.schema.office import restriction, visitor_tag
from zonetag_backend.store.tags import ACTIVE, LOST, NO_STATUS, RETIRED
from zonetag_protocol import status as status_byte

# Which of them a page may ask for.
ALL, FREE, WORN, NEVER, LOW_BATTERY, UNHEARD, FOR_VISITORS = "", "free", "worn", "never", "flat", "week", "visitors"
WEEK_MS = 7 * 86_400_000
LOW = 1  # eighths of the battery at which somebody should have a new one ready

_t = tag.c
_JOINED = (
    tag.outerjoin(tag_clock, tag_clock.c.tag == _t.id)
    .outerjoin(wearing, and_(wearing.c.tag == _t.id, wearing.c.until_ms.is_(None)))
    .outerjoin(person, person.c.id == wearing.c.person)
    .outerjoin(visitor_tag, visitor_tag.c.tag == _t.id)
)
_FOR_VISITORS = visitor_tag.c.tag.is_not(None)
_STATUS = func.coalesce(tag_clock.c.status, NO_STATUS)


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


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which tags a page asks for."""

    show: str = ALL
    query: str = ""
    # its words begin words of the tag's number, or of the name, unit or staff number of who wears it
    now_ms: int = 0
    # for UNHEARD
    floor_ms: int = 0
    # what was heard before it is not told, nor of the restricted


def tags(connection: Connection, wanted: Wanted | None = None, part: slice | None = None) -> list[Tag]:
    """All tags, or `part` of those that are wanted; by number."""
    wanted = wanted or Wanted()
    statement = _told(wanted.floor_ms).where(*_where(wanted)).order_by(by_bytes(_t.number))
    if part is not None:
        statement = statement.offset(part.start or 0).limit(part.stop - (part.start or 0))
    return _read(connection, statement)


def count(connection: Connection, wanted: Wanted) -> int:
    """How many tags are wanted."""
    return connection.scalar(select(func.count()).select_from(_JOINED).where(*_where(wanted))) or 0


def any_in_use(connection: Connection) -> bool:
    """Whether there is a tag that is not out of use for good."""
    return connection.scalar(select(_t.id).where(_t.state != RETIRED).limit(1)) is not None


def counts(connection: Connection, now_ms: int, floor_ms: int) -> dict[str, int]:
    """How many tags there are of each of SHOWS."""
    tests = _tests(Wanted(now_ms=now_ms, floor_ms=floor_ms))
    sums = [func.coalesce(func.sum(case((test, 1), else_=0)), 0) for test in tests.values()]
    return dict(zip(tests, connection.execute(select(*sums).select_from(_JOINED)).one(), strict=True))


def _told(floor_ms: int) -> Select[Any]:
    return select(
        _t.id,
        _t.number,
        _t.kind,
        _t.state,
        person.c.id,
        func.coalesce(person.c.name, ""),
        func.coalesce(person.c.unit, ""),
        _FOR_VISITORS,
        _heard_ms(floor_ms),
        _STATUS,
    ).select_from(_JOINED)


def _read(connection: Connection, statement: Select[Any]) -> list[Tag]:
    found = []
    row: Any  # nine columns in the order of Tag, and the status byte
    for row in connection.execute(statement):
        told = None if row[9] == NO_STATUS else status_byte.unpack(row[9])
        values: Any = (*row[:9], told and told.battery, told and told.version)
        found.append(Tag(*values))
    return found


def _heard_ms(floor_ms: int) -> ColumnElement[int]:
    hidden = func.coalesce(person.c.id, -1).in_(select(restriction.c.person))
    return case((and_(tag_clock.c.heard_ms >= floor_ms, ~hidden), tag_clock.c.heard_ms), else_=0)


def _tests(wanted: Wanted) -> dict[str, ColumnElement[bool]]:
    used, worn, heard_ms = _t.state == ACTIVE, person.c.id.is_not(None), _heard_ms(wanted.floor_ms)
    low = and_(_STATUS != NO_STATUS, _STATUS % 8 <= LOW)
    return {
        ALL: true(),
        FREE: and_(used, ~worn, ~_FOR_VISITORS),
        WORN: worn,
        LOST: _t.state == LOST,
        NEVER: and_(used, heard_ms == 0),
        LOW_BATTERY: and_(used, low),
        UNHEARD: and_(worn, heard_ms < wanted.now_ms - WEEK_MS),
        FOR_VISITORS: _FOR_VISITORS,
        RETIRED: _t.state == RETIRED,
    }


def _where(wanted: Wanted) -> list[ColumnElement[bool]]:
    fits = [
        or_(_t.words.contains(f" {word}", autoescape=True), person.c.words.contains(f" {word}", autoescape=True))
        for word in asked(wanted.query)
    ]
    return fits if wanted.show == ALL else [_tests(wanted)[wanted.show], *fits]


def with_id(connection: Connection, which: int) -> Tag:
    """One of them.  NotFound."""
    found = _read(connection, _told(0).where(_t.id == which))
    if not found:
        raise NotFound("there is no such tag: zonetag tag list shows all")
    return found[0]


def numbered(connection: Connection, number: str) -> Tag:
    """The tag of a printed number, as somebody types or scans it."""
    found = typed_number.find(connection, number)
    if found is None:
        raise NotFound(f"there is no tag {number.strip()}: zonetag tag list shows all")
    return with_id(connection, found)


def keep_for_visitors(connection: Connection, which: int, kept: bool) -> None:
    """Keep a tag at the desk for visitors, or no longer.  BadValue for one that is out of use."""
    if kept and with_id(connection, which).state == RETIRED:
        raise BadValue("this tag is out of use for good")
    connection.execute(delete(visitor_tag).where(visitor_tag.c.tag == which))
    if kept:
        connection.execute(insert(visitor_tag).values(tag=which))
