"""What people ask of their own data, and what became of it.  Inside the caller's transaction.

A request goes with the person when they are erased; that it came, and how it ended, stays in the audit log.  Else it
is kept for KEEP_MS after its end, as proof that the law was kept.
"""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, delete, insert, select, update

from zonetag_backend import dutydays
from zonetag_backend.errors import AlreadyThere, BadValue, NotFound
from zonetag_backend.keys import Keyring
from zonetag_backend.store import audit, consent_ledger, departures, erasure, people, reminders, restrictions, tags
from zonetag_backend.store.erasure import Erased
from zonetag_backend.store.registry import changed, new_id
from zonetag_backend.store.schema import person, tag
from zonetag_backend.store.schema.office import data_request, tag_resting

OPEN, DONE, REFUSED = "open", "done", "refused"
MOST_TEXT = 2000  # characters
KEEP_MS = 730 * 86_400_000  # two years: as long as the audit log, within which a complaint may come


@dataclass(frozen=True, slots=True)
class Request:
    """One of them."""

    id: int
    person: int
    name: str
    unit: str
    kind: str
    # of dutydays.KINDS
    text: str
    how: str
    # "screen" or "paper"
    asked_ms: int
    acknowledge_by_ms: int
    due_ms: int
    acknowledged_ms: int | None
    state: str
    # OPEN, DONE or REFUSED
    settled_ms: int | None
    answer: str

    def next_ms(self) -> int:
        """The deadline that comes next."""
        return self.due_ms if self.acknowledged_ms is not None else min(self.acknowledge_by_ms, self.due_ms)

    def overdue(self, now_ms: int) -> bool:
        """Whether one was missed; the last moment of a day still counts."""
        return self.state == OPEN and now_ms >= self.next_ms()


def ask(
    connection: Connection,
    who: int,
    kind: str,
    text: str,
    *,
    how: str,
    by: str,
    now_ms: int,
    zone: ZoneInfo,
    holidays: Collection[dt.date] = (),
) -> int:
    """A new request; its id.  AlreadyThere while the same is open, BadValue for what is none."""
    if kind not in dutydays.KINDS or len(text) > MOST_TEXT:
        raise BadValue(f"a request is one of {', '.join(dutydays.KINDS)}, in {MOST_TEXT} characters at most")
    d = data_request.c
    if connection.scalar(select(d.id).where(d.person == who, d.kind == kind, d.state == OPEN)) is not None:
        raise AlreadyThere("this is asked for already, and not settled yet")
    new = new_id()
    times = {
        "asked_ms": now_ms,
        "acknowledge_by_ms": dutydays.acknowledge_by_ms(now_ms, zone, holidays),
        "due_ms": dutydays.due_ms(kind, now_ms, zone),
    }
    values = {"id": new, "person": who, "kind": kind, "text": text, "how": how, "state": OPEN, "answer": ""}
    connection.execute(insert(data_request).values(**values, **times))
    audit.record(connection, now_ms, by, "request.open", new, kind)
    return new


def requests(connection: Connection, who: int | None = None) -> list[Request]:
    """All, or a person's: the open ones by their next deadline, then the settled ones, the latest first."""
    where = data_request.c.id.is_not(None) if who is None else data_request.c.person == who
    found = _read(connection, where)
    still = sorted((each for each in found if each.state == OPEN), key=lambda each: (each.next_ms(), each.id))
    return still + sorted((each for each in found if each.state != OPEN), key=lambda each: -(each.settled_ms or 0))


def with_id(connection: Connection, which: int) -> Request:
    """One.  NotFound."""
    found = _read(connection, data_request.c.id == which)
    if not found:
        raise NotFound("there is no such request: it went with the person, or its time is over")
    return found[0]


def acknowledge(connection: Connection, which: int, by: str, now_ms: int) -> None:
    """The office says that it has the request."""
    mine = (data_request.c.id == which, data_request.c.acknowledged_ms.is_(None))
    if connection.execute(update(data_request).where(*mine).values(acknowledged_ms=now_ms)).rowcount:
        audit.record(connection, now_ms, by, "request.acknowledge", which)


def refuse(connection: Connection, which: int, answer: str, by: str, now_ms: int) -> None:
    """It is not done, for a reason that the person reads.  BadValue without one."""
    if not answer.strip():
        raise BadValue("a refusal says why: whoever asked reads it")
    _settle(connection, _open(connection, which), REFUSED, answer, by=by, now_ms=now_ms)


def carry_out(
    connection: Connection,
    keyring: Keyring,
    which: int,
    answer: str,
    *,
    by: str,
    now_ms: int,
    corrected: tuple[str, str, str] | None = None,
) -> Erased | None:
    """Do what was asked; for an erasure what went.  `corrected`: name, unit and staff number of a correction.

    Whoever calls this tells the backups of an erasure (`backupfolder.note_erased`), after the commit.
    """
    of = _open(connection, which)
    if of.kind == dutydays.CORRECT:
        if corrected is None:
            raise BadValue("a correction needs the right name, unit and staff number")
        people.change(connection, of.person, *corrected)
        audit.record(connection, now_ms, by, "person.change", of.person)
    elif of.kind == dutydays.RESTRICT:
        restrictions.restrict(connection, of.person, now_ms)
        audit.record(connection, now_ms, by, "person.restrict", of.person)
    elif of.kind == dutydays.WITHDRAW:
        withdraw(connection, keyring, of.person, how=of.how, by=by, now_ms=now_ms)
    _settle(connection, of, DONE, answer, by=by, now_ms=now_ms)
    if of.kind == dutydays.ERASE:
        audit.record(connection, now_ms, by, "person.erase", of.person)
        return erasure.erase(connection, of.person)
    return None


def withdraw(connection: Connection, keyring: Keyring, who: int, *, how: str, by: str, now_ms: int) -> None:
    """Somebody takes back all that they agreed to."""
    agreed = consent_ledger.given(connection).get(who, frozenset())
    if agreed:
        consent_ledger.note(connection, who, sorted(agreed), given=False, how=how, version="-", by=by, now_ms=now_ms)
    stop(connection, keyring, who, consent_ledger.PURPOSES, by=by, now_ms=now_ms)


def stop(
    connection: Connection, keyring: Keyring, who: int, purposes: Collection[str], *, by: str, now_ms: int
) -> None:
    """What was done for these purposes ends.

    Without what a tag needs, theirs are not resolved until another wears them, and what was heard of them is shown no
    more; it goes when its time is over.  Without reminders none is sent.  Declarations: `declarations.read`.
    """
    if consent_ledger.REMINDERS in purposes:
        reminders.set_off(connection, who, True, by=by, now_ms=now_ms)
    if not set(consent_ledger.NEEDED) & set(purposes):
        return
    for which in departures.worn_by(connection, who):
        tags.take_back(connection, keyring, which, now_ms)
        tags.rest(connection, which, now_ms)
        number = connection.scalar(select(tag.c.number).where(tag.c.id == which))
        audit.record(connection, now_ms, by, "tag.take", number)
    if restrictions.since_ms(connection, who) is None:
        restrictions.restrict(connection, who, now_ms)
        audit.record(connection, now_ms, by, "person.restrict", who)
    changed(connection)


def forget(connection: Connection, now_ms: int) -> int:
    """Settled requests whose time as proof is over go; how many."""
    return connection.execute(delete(data_request).where(data_request.c.settled_ms < now_ms - KEEP_MS)).rowcount


def resting(connection: Connection) -> frozenset[int]:
    """Tags that are not resolved."""
    return frozenset(connection.scalars(select(tag_resting.c.tag)))


def _open(connection: Connection, which: int) -> Request:
    found = with_id(connection, which)
    if found.state != OPEN:
        raise AlreadyThere("this request is settled already")
    return found


def _settle(connection: Connection, of: Request, state: str, answer: str, *, by: str, now_ms: int) -> None:
    values = {"state": state, "answer": answer[:MOST_TEXT], "settled_ms": now_ms}
    if of.acknowledged_ms is None:
        values["acknowledged_ms"] = now_ms
    connection.execute(update(data_request).where(data_request.c.id == of.id).values(**values))
    audit.record(connection, now_ms, by, "request.settle", of.id, f"{of.kind}: {state}")


def _read(connection: Connection, where: Any) -> list[Request]:
    d = data_request.c
    columns = (d.id, d.person, person.c.name, person.c.unit, d.kind, d.text, d.how, d.asked_ms, d.acknowledge_by_ms)
    rest: tuple[Any, ...] = (d.due_ms, d.acknowledged_ms, d.state, d.settled_ms, d.answer)
    rows: Any = connection.execute(select(*columns, *rest).join(person, person.c.id == d.person).where(where))
    return [Request(*row) for row in rows]
