"""People of the office, and the tags that they wear and wore.

What writes works inside the caller's transaction (`store.engine.writing`).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypedDict

from sqlalchemy import Connection, func, or_, select

from zonetag_backend.errors import AlreadyThere, NotFound
from zonetag_backend.store import name_forms
from zonetag_backend.store.order import by_bytes
from zonetag_backend.store.registry import MAX_TEXT, clean_text
from zonetag_backend.store.schema import person, tag, wearing
from zonetag_backend.store.schema.office import departed, visitor

MOST_CODE = 64  # characters of a staff number


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the register."""

    id: int
    name: str
    unit: str
    # department or class; may be empty
    code: str
    # staff number; empty for none
    numbers: tuple[str, ...]
    # of the tags worn now
    visitor: bool
    left_ms: int | None
    # when they left the office; none: they are here


class Written(TypedDict):
    """What is written of a person."""

    name: str
    unit: str
    code: str | None


@dataclass(frozen=True, slots=True)
class Worn:
    """A tag that somebody wore or wears."""

    tag: int
    number: str
    since_ms: int
    until_ms: int | None
    # none: worn now


def everybody(connection: Connection, which: Iterable[int] | None = None, floor_ms: int = 0) -> list[Person]:
    """All people, or those of `which`, in no order; staff, visitors, and who has left at `floor_ms` or later."""
    columns = (
        person.c.id,
        person.c.name,
        person.c.unit,
        person.c.code,
        visitor.c.person.is_not(None),
        departed.c.left_ms,
    )
    joined = person.outerjoin(visitor, visitor.c.person == person.c.id).outerjoin(
        departed, departed.c.person == person.c.id
    )
    here = or_(departed.c.left_ms.is_(None), departed.c.left_ms >= floor_ms)
    people = select(*columns).select_from(joined).where(person.c.name != "", here)
    worn = (
        select(wearing.c.person, tag.c.number)
        .join(tag, tag.c.id == wearing.c.tag)
        .where(wearing.c.until_ms.is_(None))
        .order_by(by_bytes(tag.c.number))
    )
    if which is not None:
        wanted = list(which)
        people, worn = people.where(person.c.id.in_(wanted)), worn.where(wearing.c.person.in_(wanted))
    numbers: dict[int, list[str]] = defaultdict(list)
    for who, number in connection.execute(worn):
        numbers[who].append(number)
    return [
        Person(who, name, unit, code or "", tuple(numbers.get(who, ())), guest, left)
        for who, name, unit, code, guest, left in connection.execute(people)
    ]


def count(connection: Connection) -> int:
    """How many people have a name here: staff, visitors, and who has left."""
    return connection.scalar(select(func.count()).select_from(person).where(person.c.name != "")) or 0


def with_id(connection: Connection, who: int, floor_ms: int = 0) -> Person:
    """One of them.  NotFound when there is none, or their name was removed, or they left before `floor_ms`."""
    found = everybody(connection, [who], floor_ms)
    if not found:
        raise NotFound("there is no such person: zonetag person list shows all")
    return found[0]


def history(connection: Connection, who: int, floor_ms: int = 0) -> list[Worn]:
    """The tags of a person, the latest first; none that was given back before `floor_ms`."""
    statement = (
        select(tag.c.id, tag.c.number, wearing.c.since_ms, wearing.c.until_ms)
        .join(tag, tag.c.id == wearing.c.tag)
        .where(wearing.c.person == who, or_(wearing.c.until_ms.is_(None), wearing.c.until_ms >= floor_ms))
        .order_by(wearing.c.since_ms.desc())
    )
    return [Worn(*row) for row in connection.execute(statement)]


def change(connection: Connection, who: int, name: str, unit: str, code: str) -> None:
    """Another name, unit or staff number (empty for none).  BadValue, AlreadyThere."""
    change_all(connection, [(who, checked(name, unit, code))])


def change_all(connection: Connection, changes: Sequence[tuple[int, Written]]) -> None:
    """The same of some hundred people; later changes of the same person count.  AlreadyThere."""
    codes = {values["code"]: who for who, values in changes if values["code"] is not None}
    for who, code in connection.execute(select(person.c.id, person.c.code).where(person.c.code.in_(codes))):
        if codes[code] != who:
            raise AlreadyThere(f"there is somebody with the number {code} already")
    name_forms.rename_all(connection, changes)


def checked(name: str, unit: str, code: str) -> Written:
    """The columns name, unit and code, if they can be.  BadValue."""
    return Written(
        name=clean_text(name, "a person's name", MAX_TEXT),
        unit=clean_text(unit, "a unit", MAX_TEXT) if unit.strip() else "",
        code=clean_text(code, "a staff number", MOST_CODE) if code.strip() else None,
    )
