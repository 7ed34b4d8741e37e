"""Visitors: a tag lent at the desk, and given back.  Inside the caller's transaction.

Each visit is a person of its own, who is erased with the book: whoever comes again is not recognised.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from zonetag_backend.errors import BadValue, NotFound
from zonetag_backend.keys import Keyring
from zonetag_backend.store import departures, registry, restrictions, tag_list, tags
from zonetag_backend.store.schema import person, tag, wearing
from zonetag_backend.store.schema.office import departed, visitor

MOST_PHONE = 40  # characters


@dataclass(frozen=True, slots=True)
class Visit:
    """A visitor with the tag that was lent."""

    person: int
    name: str
    host: str
    # whom they visit; may be empty
    phone: str
    # may be empty
    number: str
    # of the tag; empty when nobody knows any longer which it was
    lent_ms: int
    returned_ms: int | None
    # none: the tag has not come back


def lend(connection: Connection, keyring: Keyring, who: tuple[str, str, str], number: str, now_ms: int) -> int:
    """Lend the tag of this number to a visitor (name, host, phone); the new person's id.  BadValue, NotFound."""
    name, host, phone = who
    which = tag_list.numbered(connection, number)
    if not which.for_visitors:
        raise BadValue("this tag is not one for visitors: the administrator keeps some at the desk")
    if not which.free:
        raise BadValue("this tag is lent already, or lost: take another one")
    host = registry.clean_text(host, "whom they visit") if host.strip() else ""
    phone = registry.clean_text(phone, "a telephone number", MOST_PHONE) if phone.strip() else ""
    new = registry.add_person(connection, name, now_ms=now_ms)
    connection.execute(insert(visitor).values(person=new, host=host, phone=phone, lent_ms=now_ms))
    tags.hand_out(connection, keyring, which.id, new, now_ms)
    return new


def take_back(connection: Connection, keyring: Keyring, who: int, now_ms: int, *, lost: bool = False) -> str:
    """The visitor has given the tag back, or it is lost; the tag's number.  NotFound when none is out."""
    one = select(visitor.c.person).where(visitor.c.person == who)
    if connection.scalar(one) is None or not (worn := departures.worn_by(connection, who)):
        raise NotFound("this visitor has no tag any longer")
    if lost:
        tags.lose(connection, keyring, worn[0], now_ms)
    departures.leave(connection, keyring, who, now_ms)
    return tag_list.with_id(connection, worn[0]).number


def visits(connection: Connection, since_ms: int) -> list[Visit]:
    """Who has not given the tag back, the longest first; then who came since a time, the latest first.

    Whoever had their data restricted is in the list for as long as they have the tag.
    """
    hidden = restrictions.everybody(connection)
    joined = (
        visitor.join(person, person.c.id == visitor.c.person)
        .outerjoin(departed, departed.c.person == person.c.id)
        .outerjoin(wearing, wearing.c.person == person.c.id)
        .outerjoin(tag, tag.c.id == wearing.c.tag)
    )
    columns = (
        person.c.id,
        person.c.name,
        visitor.c.host,
        visitor.c.phone,
        tag.c.number,
        visitor.c.lent_ms,
        departed.c.left_ms,
        wearing.c.until_ms,
    )
    statement = (
        select(*columns).select_from(joined).where(departed.c.left_ms.is_(None) | (visitor.c.lent_ms >= since_ms))
    )
    found: dict[int, Visit] = {}
    for who, name, host, phone, number, lent, left, until in connection.execute(statement):
        # Taken back at the list of tags and not here: it is back all the same.
        returned = left if left is not None else until
        if returned is not None and (who in hidden or max(lent, returned) < since_ms):
            continue
        found[who] = Visit(who, name, host, phone, number or "", lent, returned)
    out = sorted((each for each in found.values() if each.returned_ms is None), key=lambda each: each.lent_ms)
    back = [each for each in found.values() if each.returned_ms is not None]
    return out + sorted(back, key=lambda each: -each.lent_ms)


def phones(connection: Connection) -> dict[int, str]:
    """The telephone numbers that the desk wrote down, by person."""
    rows = connection.execute(select(visitor.c.person, visitor.c.phone).where(visitor.c.phone != ""))
    return {who: str(phone) for who, phone in rows}
