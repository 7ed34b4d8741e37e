"""What labels and slips are made from, read: tags, and visits of those who wear them.  Nothing here writes."""

from dataclasses import dataclass

from sqlalchemy import Connection, and_, select, true

from zonetag_backend.store.order import by_bytes
from zonetag_backend.store.schema import person, tag, wearing
from zonetag_backend.store.schema.office import visitor


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag of the register."""

    number: str
    state: str
    name: str
    # who wears it now; empty: nobody
    unit: str
    code: str


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
        .order_by(by_bytes(tag.c.number))
    )
    found = [Tag(number, state, name or "", of or "", code or "") for number, state, name, of, code in rows]
    return [each for each in found if (not unit or each.unit == unit) and (not only or each.number == only)]
