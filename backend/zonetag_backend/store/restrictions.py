"""People whose data is kept but shown no more, at their request.  Inside the caller's transaction.

What the law excepts is read all the same: who is in the building when it burns, a case of their own that has to be
traced, and what they themselves see of it.
"""

from sqlalchemy import Connection, delete, insert, select

from zonetag_backend.errors import BadValue
from zonetag_backend.store.schema.cases import case_record
from zonetag_backend.store.schema.office import restriction


def restrict(connection: Connection, who: int, now_ms: int) -> None:
    """From now on nothing of this person is shown."""
    if since_ms(connection, who) is None:
        connection.execute(insert(restriction).values(person=who, since_ms=now_ms))


def lift(connection: Connection, who: int) -> None:
    """It is shown again."""
    connection.execute(delete(restriction).where(restriction.c.person == who))


def since_ms(connection: Connection, who: int) -> int | None:
    """Since when; none when nothing is restricted."""
    found: int | None = connection.scalar(select(restriction.c.since_ms).where(restriction.c.person == who))
    return found


def refuse(connection: Connection, who: int) -> None:
    """BadValue for somebody restricted, unless a case of their own is open."""
    c = case_record.c
    own = select(c.id).where(c.person == who, c.closed_ms.is_(None)).limit(1)
    if since_ms(connection, who) is not None and connection.scalar(own) is None:
        raise BadValue(
            "this person's data is restricted at their request. If they are a case themselves, enter it first"
            " (zonetag case open)."
        )


def everybody(connection: Connection) -> frozenset[int]:
    """Whose data is not shown."""
    return frozenset(connection.scalars(select(restriction.c.person)))
