"""The register as a roster is held against it, and a roster taken over.  Inside the caller's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, insert

from zonetag_backend.keys import Keyring
from zonetag_backend.roster.plan import CHANGE, FREE, NEW, UNFIT, Known, KnownTag, Plan
from zonetag_backend.roster.telling import EVERY, WRITE, Tell, silent
from zonetag_backend.store import audit, consent_ledger, departures, people, tag_list, tags
from zonetag_backend.store.registry import new_id
from zonetag_backend.store.schema import person


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
    changes: list[int] = []
    for step in plan.steps:
        row = step.row
        if step.what == NEW:
            who = new_id()
            values = people.checked(row.name, row.unit, row.code)
            new.append({"id": who, "added_ms": now_ms, **values})
        elif step.what == CHANGE and step.before is not None:
            who = step.before.id
            departures.come_back(connection, who)
            people.change(connection, who, row.name, row.unit, row.code or step.before.code)
            changes.append(who)
        else:
            continue
        if step.tag is not None:
            wears.append((step.tag.id, who, step.tag.number))
    lacking = _lacking(connection, [who for _, who, _ in wears]) if consent_required else []
    written = _Steps(tell, len(plan.steps), len(new) + len(changes) + len(wears) + len(lacking))
    for at in range(0, len(new), EVERY):
        connection.execute(insert(person), new[at : at + EVERY])
        written.more(len(new[at : at + EVERY]))
    told = f"new {len(new)}, changed {len(changes)}, tags {len(wears)}"
    audit.record(connection, now_ms, actor, "people.import", reason=told)
    for who in changes:
        audit.record(connection, now_ms, actor, "person.change", who)
        written.more()
    for which, who, number in wears:
        tags.hand_out(connection, keyring, which, who, now_ms)
        audit.record(connection, now_ms, actor, "tag.give", number)
        written.more()
    for who in lacking:
        consent_ledger.note_handed_out(connection, who, actor, now_ms)
        written.more()
    return Taken(len(new), len(changes), len(wears), len(lacking))


def _lacking(connection: Connection, people: Sequence[int]) -> list[int]:
    """Who has not agreed to what a tag needs."""
    agreed = consent_ledger.given(connection)
    return [who for who in people if not agreed.get(who, frozenset()).issuperset(consent_ledger.NEEDED)]


class _Steps:
    """What is written, counted, and told in rows of the list: of how many steps each is, nobody needs to know."""

    def __init__(self, tell: Tell, rows: int, steps: int) -> None:
        self._tell, self._rows, self._steps = tell, rows, steps
        self._done = self._told = 0
        tell(WRITE, 0, rows)

    def more(self, steps: int = 1) -> None:
        self._done += steps
        if self._done - self._told >= EVERY or self._done == self._steps:
            self._told = self._done
            self._tell(WRITE, self._rows * self._done // self._steps, self._rows)
