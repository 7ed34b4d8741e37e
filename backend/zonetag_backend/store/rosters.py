"""The register as a roster is held against it, and a roster taken over.  Inside the caller's transaction."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection, insert

from zonetag_backend.keys import Keyring
from zonetag_backend.roster.plan import CHANGE, FREE, NEW, UNFIT, Known, KnownTag, Plan
from zonetag_backend.roster.rows import Row
from zonetag_backend.roster.telling import EVERY, WRITE, Tell, silent
from zonetag_backend.store import audit, consent_ledger, departures, people, tag_list, tags
from zonetag_backend.store.registry import new_id
from zonetag_backend.store.schema import person
from zonetag_backend.store.schema.forms import forms_of

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Taken:
    """What a roster did."""

    new: int
    # people entered
    changed: int
    # people whose particulars or tag changed
    tags: int
    # tags handed out
    without: int
    # people who got a tag and have not agreed to it; 0 where nobody is asked


def known_people(connection: Connection) -> list[Known]:
    """Everybody but visitors; also who has left, and comes back with a new list."""
    return [
        Known(each.id, each.name, each.unit, each.code, each.numbers, each.left_ms is not None)
        for each in people.everybody(connection)
        if not each.visitor
    ]


def known_tags(connection: Connection) -> list[KnownTag]:
    """All tags."""
    return [
        KnownTag(
            each.id,
            each.number,
            "" if each.person is not None else FREE if each.free and not each.for_visitors else UNFIT,
            each.person,
            each.name,
        )
        for each in tag_list.tags(connection)
    ]


def prepare(rows: Sequence[Row]) -> None:
    """What can be done before anybody has to wait: how names are sorted and searched is remembered (names.py)."""
    for row in rows:
        forms_of({"name": row.name, "unit": row.unit, "code": row.code})


def take_over(
    connection: Connection,
    keyring: Keyring,
    plan: Plan,
    now_ms: int,
    actor: str,
    *,
    consent_required: bool = True,
    tell: Tell = silent,
) -> Taken:
    """Do every step that is not wrong; `tell` may stop it, and the caller's transaction undoes what was done so far.

    One entry of the audit log for the list, one for each change, each tag, and each tag without agreement.
    """
    new: list[dict[str, object]] = []
    wears: list[tuple[int, int, str]] = []
    changes: list[tuple[int, people.Written]] = []
    for step in plan.steps:
        row = step.row
        if step.what == NEW:
            who = new_id()
            values = people.checked(row.name, row.unit, row.code)
            new.append({"id": who, "added_ms": now_ms, **values})
        elif step.what == CHANGE and step.before is not None:
            who = step.before.id
            changes.append((who, people.checked(row.name, row.unit, row.code or step.before.code)))
        else:
            continue
        if step.tag is not None:
            wears.append((step.tag.id, who, step.tag.number))
    agreed = consent_ledger.lacking_of(connection, [who for _, who, _ in wears]) if consent_required else {}
    lacking = list(agreed.items())
    written = _Steps(tell, len(plan.steps), len(new) + len(changes) + len(wears) + len(lacking))
    for some in _portions(new):
        connection.execute(insert(person), some)
        written.more(len(some))
    told = f"new {len(new)}, changed {len(changes)}, tags {len(wears)}"
    audit.record(connection, now_ms, actor, "people.import", reason=told)
    for each in _portions(changes):
        departures.come_back_all(connection, [who for who, _ in each])
        people.change_all(connection, each)
        audit.record_all(connection, now_ms, actor, [("person.change", who, "") for who, _ in each])
        written.more(len(each))
    for given in _portions(wears):
        tags.hand_out_all(connection, keyring, {which: who for which, who, _ in given}, now_ms)
        audit.record_all(connection, now_ms, actor, [("tag.give", number, "") for _, _, number in given])
        written.more(len(given))
    for without in _portions(lacking):
        consent_ledger.note_missing(connection, dict(without), actor, now_ms)
        written.more(len(without))
    return Taken(len(new), len(changes), len(wears), len(lacking))


def _portions(of: Sequence[T]) -> Iterator[Sequence[T]]:
    """Of a hundred, each written in a few statements: reports of tags wait until all of it is committed."""
    return (of[at : at + EVERY] for at in range(0, len(of), EVERY))


class _Steps:
    """What is written, counted, and told in rows of the list: of how many steps each is, nobody needs to know."""

    def __init__(self, tell: Tell, rows: int, steps: int) -> None:
        self._tell, self._rows, self._steps = tell, rows, steps
        self._done = self._told = 0
        tell(WRITE, 0, rows)

    def more(self, steps: int) -> None:
        self._done += steps
        if self._done - self._told >= EVERY or self._done == self._steps:
            self._told = self._done
            self._tell(WRITE, self._rows * self._done // self._steps, self._rows)
