"""What papers are made from, read: a day's book, who is inside, contacts of a case, tags.  Nothing here writes."""

from dataclasses import dataclass

from sqlalchemy import Connection, and_, select, true

from zonetag_backend.names import sort_key
from zonetag_backend.store.schema import person, tag, wearing
from zonetag_backend.store.schema.cases import case_exposure, case_record
from zonetag_backend.store.schema.office import restriction, visitor


@dataclass(frozen=True, slots=True)
class Contact:
    """One day of one contact of a case, as it was traced."""

    generation: int
    name: str
    unit: str
    code: str
    through: str
    day_ms: int
    first_ms: int
    last_ms: int
    minutes: float
    evidence: str
    # "direct" or "place"
    probability: float


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag of the register."""

    number: str
    state: str
    name: str
    # who wears it now; empty: nobody
    unit: str
    code: str


def contacts_of(connection: Connection, case: int, floor_ms: int = 0) -> list[Contact]:
    """F1, then F2 and so on, each by name and day; nothing from before `floor_ms`, and nobody restricted."""
    ill = select(case_record.c.person).where(case_record.c.id == case)
    hidden = select(restriction.c.person).where(restriction.c.person.not_in(ill))
    who, source, c = person.alias("who"), person.alias("source"), case_exposure.c
    rows = connection.execute(
        select(
            c.generation,
            who.c.name,
            who.c.unit,
            who.c.code,
            source.c.name,
            c.day_ms,
            c.first_ms,
            c.last_ms,
            c.minutes,
            c.evidence,
            c.probability,
        )
        .join(who, who.c.id == c.person)
        .join(source, source.c.id == c.source)
        .where(c.case == case, c.last_ms >= floor_ms, c.person.not_in(hidden), c.source.not_in(hidden))
    )
    found = [Contact(g, n, u, code or "", *rest) for g, n, u, code, *rest in rows]
    return sorted(found, key=lambda each: (each.generation, sort_key(each.name), each.code, each.day_ms, each.evidence))


def visit_of(connection: Connection, number: str) -> tuple[str, int]:
    """Whom the visitor with the tag of this number visits (may be empty), and when it was lent; 0: nobody has it."""
    row = connection.execute(
        select(visitor.c.host, visitor.c.lent_ms)
        .join(wearing, wearing.c.person == visitor.c.person)
        .join(tag, tag.c.id == wearing.c.tag)
        .where(tag.c.number == number, wearing.c.until_ms.is_(None))
    ).first()
    return (row.host, row.lent_ms) if row is not None else ("", 0)


def tags(connection: Connection, unit: str = "", only: str = "", *, visitors: bool = False) -> list[Tag]:
    """Tags by number; of one unit's people, or the one of a number, where it is asked.

    `visitors`: nobody else is named.
    """
    named = and_(person.c.id == wearing.c.person, person.c.id.in_(select(visitor.c.person)) if visitors else true())
    rows = connection.execute(
        select(tag.c.number, tag.c.state, person.c.name, person.c.unit, person.c.code)
        .outerjoin(wearing, and_(wearing.c.tag == tag.c.id, wearing.c.until_ms.is_(None)))
        .outerjoin(person, named)
        .order_by(tag.c.number)
    )
    found = [Tag(number, state, name or "", of or "", code or "") for number, state, name, of, code in rows]
    return [each for each in found if (not unit or each.unit == unit) and (not only or each.number == only)]
