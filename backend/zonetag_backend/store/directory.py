"""People of the register as a page shows them: searched, sorted and cut in the database, so that 20,000 cost no more.

Sorted as Vietnamese offices sort, searched with or without marks: by what stands beside a name (store/name_forms.py).
"""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select

from zonetag_backend.names import asked
from zonetag_backend.store import consent_ledger, order, people
from zonetag_backend.store.order import by_bytes
from zonetag_backend.store.people import Person
from zonetag_backend.store.schema import person, tag, wearing
from zonetag_backend.store.schema.office import departed, visitor

BY_UNIT, BY_NAME, TAGLESS_FIRST = "unit", "name", "tagless"
ALL, LACKING, WORN_LACKING = "", "lacking", "worn"  # to have agreed to what a tag needs

_p = person.c
_now = and_(wearing.c.person == _p.id, wearing.c.until_ms.is_(None))
wears = exists().where(_now).correlate(person)
guest = _p.id.in_(select(visitor.c.person))
gone = _p.id.in_(select(departed.c.person))
_ORDERS = {
    BY_UNIT: (_p.unit_order, by_bytes(_p.unit), *order.BY_NAME),
    BY_NAME: order.BY_NAME,
    TAGLESS_FIRST: (wears, *order.BY_NAME),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whom a page asks for: of the staff, never visitors."""

    query: str = ""
    # its words begin words of name, unit, staff number or, with `numbers`, of a tag worn now
    unit: str = ""
    # empty: any
    numbers: bool = True
    tagless: bool = False
    # only who wears no tag
    left: bool = False
    # who has left, at `floor_ms` or later, instead of who is here
    floor_ms: int = 0
    lacking: str = ALL
    order: str = BY_NAME


def count(connection: Connection, wanted: Wanted) -> int:
    """How many fit."""
    return connection.scalar(select(func.count()).select_from(person).where(*_where(wanted))) or 0


def anybody(connection: Connection, floor_ms: int = 0) -> bool:
    """Whether somebody of the staff is here, or left at `floor_ms` or later."""
    return any(count(connection, Wanted(left=left, floor_ms=floor_ms)) for left in (False, True))


def find(connection: Connection, wanted: Wanted, part: slice | None = None) -> list[Person]:
    """Those that fit, in order; `part` of them, or all."""
    statement = select(_p.id).where(*_where(wanted)).order_by(*_ORDERS[wanted.order])
    if part is not None:
        statement = statement.offset(part.start or 0).limit(part.stop - (part.start or 0))
    ids = connection.scalars(statement).all()
    # All of them are more than a statement may name.
    known = {each.id: each for each in people.everybody(connection, None if part is None else ids)}
    return [known[who] for who in ids]


def units(connection: Connection, floor_ms: int | None = None) -> list[str]:
    """The units of the staff that is here, or left at `floor_ms` or later; in order, without the empty one."""
    left = gone if floor_ms is None else _p.id.in_(select(departed.c.person).where(departed.c.left_ms < floor_ms))
    statement = select(_p.unit).where(_p.name != "", _p.unit != "", ~guest, ~left)
    return list(
        connection.scalars(statement.group_by(_p.unit, _p.unit_order).order_by(_p.unit_order, by_bytes(_p.unit)))
    )


def fits(query: str, *, numbers: bool) -> list[ColumnElement[bool]]:
    """That each word of a query begins a word of somebody's, or of the number of a tag that they wear."""
    return [
        or_(
            _p.words.contains(f" {word}", autoescape=True),
            *([_wears_numbered(word)] if numbers else []),
        )
        for word in asked(query)
    ]


def _wears_numbered(word: str) -> ColumnElement[bool]:
    # Tags are looked through once, not for each person.
    numbered = select(wearing.c.person).join(tag, tag.c.id == wearing.c.tag).where(wearing.c.until_ms.is_(None))
    return _p.id.in_(numbered.where(tag.c.words.contains(f" {word}", autoescape=True)))


def _where(wanted: Wanted) -> list[ColumnElement[bool]]:
    since = departed.c.left_ms >= wanted.floor_ms
    found = [_p.name != "", ~guest]
    found.append(_p.id.in_(select(departed.c.person).where(since)) if wanted.left else ~gone)
    found += fits(wanted.query, numbers=wanted.numbers)
    if wanted.unit:
        found.append(_p.unit == wanted.unit)
    if wanted.tagless:
        found.append(~wears)
    if wanted.lacking:
        found.append(_p.id.not_in(consent_ledger.agreed()))
    if wanted.lacking == WORN_LACKING:
        found.append(wears)
    return found
