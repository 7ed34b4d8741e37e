"""Erase a person: the name, what was heard while they wore a tag, and the key that opens those tags' identifiers.

Every table that refers to a person is found by its foreign key, so that a new one is not forgotten.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, inspect, or_, select, update

from zonetag_backend.errors import NotFound
from zonetag_backend.store import heard, secrets
from zonetag_backend.store.order import by_bytes
from zonetag_backend.store.registry import changed
from zonetag_backend.store.schema import (
    cases,
    contacts,
    metadata,
    person,
    presence,
    tag,
    visit,
    visit_correction,
    wearing,
)
from zonetag_backend.store.tags import RETIRED

FOR_EVER_MS = 1 << 62


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure took away."""

    person: int
    tags: tuple[str, ...]
    # numbers of the tags that they wore: out of use until flashed anew
    rows: int
    # of what was heard, of presences and of visits


def erase(connection: Connection, who: int) -> Erased:
    """Erase a person in this transaction.  NotFound when there is none of this id.

    Tags that they wear now lose their keys with the person's data key, so that no recording of the air, and no copy of
    the database made from now on, tells any longer who was where: such a tag is flashed anew before somebody wears it.
    """
    if connection.scalar(select(person.c.id).where(person.c.id == who)) is None:
        raise NotFound("there is no such person: zonetag person list shows all")
    rows = _cases(connection, who)
    for which, since, until in connection.execute(
        select(wearing.c.tag, wearing.c.since_ms, wearing.c.until_ms).where(wearing.c.person == who)
    ).all():
        rows += _heard(connection, which, since, FOR_EVER_MS if until is None else until)
    destroyed = secrets.destroy(connection, who)
    for table in reversed(metadata.sorted_tables):  # those that refer to others first
        for column in table.c:
            if column.references(person.c.id):
                rows += connection.execute(delete(table).where(column == who)).rowcount
    connection.execute(update(tag).where(tag.c.id.in_(destroyed)).values(state=RETIRED))
    numbers = connection.scalars(select(tag.c.number).where(tag.c.id.in_(destroyed)).order_by(by_bytes(tag.c.number)))
    erased = Erased(who, tuple(numbers), rows)
    connection.execute(delete(person).where(person.c.id == who))
    changed(connection)
    return erased


def there(connection: Connection, people: Sequence[int]) -> list[int]:
    """Which of these ids stand for somebody here."""
    known = set(connection.scalars(select(person.c.id)))
    return [who for who in people if who in known]


def _cases(connection: Connection, who: int) -> int:
    """What was traced of cases that this person was."""
    theirs = select(cases.case_record.c.id).where(cases.case_record.c.person == who)
    statements = [delete(table).where(table.c.case.in_(theirs)) for table in (cases.case_exposure, cases.case_notice)]
    return sum(connection.execute(statement).rowcount for statement in statements)


def _heard(connection: Connection, which: int, since: int, until: int) -> int:
    """Everything that was heard of a tag between two times."""
    v, c = visit.c, visit_correction.c
    log, apart = contacts.contact_log, contacts.contact_rejected
    rows = 0
    for statement in (
        delete(visit).where(v.tag == which, v.last_ms >= since, v.came_ms <= until),
        delete(visit_correction).where(c.tag == which, c.last_ms >= since, c.came_ms <= until),
        delete(presence).where(presence.c.tag == which, presence.c.end_ms >= since, presence.c.start_ms <= until),
        # What their tag heard, and what others' tags heard of it.
        delete(log).where(or_(log.c.tag == which, log.c.peer == which), log.c.start_ms.between(since, until)),
        delete(apart).where(apart.c.tag == which, apart.c.start_ms.between(since, until)),
    ):
        rows += connection.execute(statement).rowcount
    for name in sorted(inspect(connection).get_table_names()):
        if name.startswith(heard.PREFIX):
            h = heard.table_of_day(name.removeprefix(heard.PREFIX))
            here = delete(h).where(h.c.tag == which, h.c.start_ms >= since, h.c.start_ms <= until)
            rows += connection.execute(here).rowcount
    return rows
