"""Who has left the office or ended a visit: kept for the retention time, because of the book, then erased.

Written inside the caller's transaction (`store.engine.writing`).
"""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select

from zonetag_backend.keys import Keyring
from zonetag_backend.store import erasure, tags
from zonetag_backend.store.schema import wearing
from zonetag_backend.store.schema.office import departed, visitor


def leave(connection: Connection, keyring: Keyring, who: int, now_ms: int) -> None:
    """Somebody is here no longer: their tags go back to the stock, their name stays for the retention time."""
    for which in worn_by(connection, who):
        tags.take_back(connection, keyring, which, now_ms)
    come_back(connection, who)
    connection.execute(insert(departed).values(person=who, left_ms=now_ms))


def come_back(connection: Connection, who: int) -> None:
    """Somebody who had left is here again."""
    come_back_all(connection, [who])


def come_back_all(connection: Connection, people: Sequence[int]) -> None:
    """The same of some hundred."""
    connection.execute(delete(departed).where(departed.c.person.in_(people)))


def worn_by(connection: Connection, who: int) -> list[int]:
    """The tags that a person wears now."""
    return list(connection.scalars(select(wearing.c.tag).where(wearing.c.person == who, wearing.c.until_ms.is_(None))))


def erase_before(connection: Connection, before_ms: int) -> int:
    """Erase whoever left before; how many.  Who wears a tag again has not left."""
    gone = connection.scalars(select(departed.c.person).where(departed.c.left_ms < before_ms)).all()
    # A visitor whose tag was taken back elsewhere: when no trace of it is left.
    trace = select(wearing.c.tag).where(wearing.c.person == visitor.c.person).exists()
    ended = select(visitor.c.person).where(visitor.c.lent_ms < before_ms, ~trace, visitor.c.person.not_in(gone))
    erased = 0
    for who in [*gone, *connection.scalars(ended)]:
        if worn_by(connection, who):
            come_back(connection, who)
        else:
            erasure.erase(connection, who)
            erased += 1
    return erased
