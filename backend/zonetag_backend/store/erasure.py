"""Erase a person: the name, what was heard while they wore a tag, and the key that opens those tags' identifiers.

What stands in a table of another subject is erased by that subject's step (`STEPS`), so that none is forgotten: a test
looks for the person's number in every table afterwards.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, delete, inspect, select, update

from zonetag_backend.errors import NotFound
from zonetag_backend.store import heard, secrets
from zonetag_backend.store.registry import changed
from zonetag_backend.store.schema import person, presence, tag, visit, visit_correction, wearing
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


Step = Callable[[Connection, int], int]
"""Erases what one subject holds of a person's id; how many rows."""

STEPS: list[Step] = []


def erase(connection: Connection, who: int) -> Erased:
    """Erase a person in this transaction.  NotFound when there is none of this id.

    Tags that they wear now lose their keys with the person's data key, so that no recording of the air, and no copy of
    the database made from now on, tells any longer who was where: such a tag is flashed anew before somebody wears it.
    """
    if connection.scalar(select(person.c.id).where(person.c.id == who)) is None:
        raise NotFound("there is no such person: zonetag person list shows all")
    rows = sum(step(connection, who) for step in STEPS)
    for which, since, until in connection.execute(
        select(wearing.c.tag, wearing.c.since_ms, wearing.c.until_ms).where(wearing.c.person == who)
    ).all():
        rows += _heard(connection, which, since, FOR_EVER_MS if until is None else until)
    connection.execute(delete(wearing).where(wearing.c.person == who))
    destroyed = secrets.destroy(connection, who)
    connection.execute(update(tag).where(tag.c.id.in_(destroyed)).values(state=RETIRED))
    numbers = connection.scalars(select(tag.c.number).where(tag.c.id.in_(destroyed)).order_by(tag.c.number))
    erased = Erased(who, tuple(numbers), rows)
    connection.execute(delete(person).where(person.c.id == who))
    changed(connection)
    return erased


def _heard(connection: Connection, which: int, since: int, until: int) -> int:
    """Everything that was heard of a tag between two times."""
    v, c = visit.c, visit_correction.c
    rows = 0
    for statement in (
        delete(visit).where(v.tag == which, v.last_ms >= since, v.came_ms <= until),
        delete(visit_correction).where(c.tag == which, c.last_ms >= since, c.came_ms <= until),
        delete(presence).where(presence.c.tag == which, presence.c.end_ms >= since, presence.c.start_ms <= until),
    ):
        rows += connection.execute(statement).rowcount
    for name in sorted(inspect(connection).get_table_names()):
        if name.startswith(heard.PREFIX):
            h = heard.table_of_day(name.removeprefix(heard.PREFIX))
            here = delete(h).where(h.c.tag == which, h.c.start_ms >= since, h.c.start_ms <= until)
            rows += connection.execute(here).rowcount
    return rows
