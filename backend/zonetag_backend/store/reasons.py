"""Why somebody reads contacts: a case, a reason, and if the office wants it so, a second officer who agrees."""

from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from zonetag_backend.errors import BadValue, NotFound
from zonetag_backend.store import audit
from zonetag_backend.store.registry import new_id
from zonetag_backend.store.schema.accounts import reading_reason as table
from zonetag_backend.store.schema.cases import case_foreign

LASTS_MS = 8 * 3_600_000  # a working day; then it is asked again
LEAST = 5  # characters of a reason
LONGEST_ID, LARGEST_ID = 19, 2**63 - 1  # digits, and what the database can hold
_COLUMNS = tuple(table.c[name] for name in ("id", "case_id", "asked_by", "reason", "asked_ms", "agreed_by"))


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason that was given."""

    id: int
    case: str
    asked_by: str
    # actor, as in the audit log
    reason: str
    asked_ms: int
    agreed_by: str | None
    # actor; none while nobody has


def give(connection: Connection, case: str, actor: str, reason: str, now_ms: int) -> int:
    """A reason to read the contacts of a case; BadValue for none.  It holds for its giver alone."""
    text = " ".join(reason.split())
    if len(text) < LEAST:
        raise BadValue(f"a reason has at least {LEAST} characters")
    new = new_id()
    values = {"id": new, "case_id": case, "asked_by": actor, "reason": text[: audit.MOST_REASON], "asked_ms": now_ms}
    connection.execute(insert(table).values(**values))
    audit.record(connection, now_ms, actor, "import.reason" if _abroad(connection, case) else "reason.give", case, text)
    return new


def holding(connection: Connection, case: str, actor: str, now_ms: int) -> Reason | None:
    """Somebody's newest reason for a case that still holds; one that is agreed to comes first."""
    mine = (table.c.case_id == case, table.c.asked_by == actor)
    fresh = (table.c.asked_ms > now_ms - LASTS_MS, table.c.asked_ms <= now_ms)
    newest = (table.c.agreed_by.is_(None), table.c.asked_ms.desc())
    row = connection.execute(select(*_COLUMNS).where(*mine, *fresh).order_by(*newest).limit(1)).first()
    return None if row is None else Reason(*row)


def waiting(connection: Connection, now_ms: int) -> list[Reason]:
    """Reasons that nobody has agreed to yet, the oldest first."""
    fresh = (table.c.agreed_by.is_(None), table.c.asked_ms > now_ms - LASTS_MS, table.c.asked_ms <= now_ms)
    return [Reason(*row) for row in connection.execute(select(*_COLUMNS).where(*fresh).order_by(table.c.asked_ms))]


def agree(connection: Connection, which: int, actor: str, now_ms: int) -> None:
    """A second officer agrees.  NotFound when there is nothing to agree to; BadValue for one's own reason."""
    found = [each for each in waiting(connection, now_ms) if each.id == which]
    if not found:
        raise NotFound("there is no such reason that waits for consent")
    if found[0].asked_by == actor:
        raise BadValue("nobody agrees to a reason of their own: ask a second officer")
    connection.execute(update(table).where(table.c.id == which).values(agreed_by=actor, agreed_ms=now_ms))
    action = "import.consent" if _abroad(connection, found[0].case) else "consent.give"
    audit.record(connection, now_ms, actor, action, found[0].case, f"{found[0].asked_by}: {found[0].reason}")


def _abroad(connection: Connection, case: str) -> bool:
    """Whether it is a case of another office, imported here: its numbers are of the same kind."""
    c = case_foreign.c
    known = case.isascii() and case.isdecimal() and len(case) <= LONGEST_ID and int(case) <= LARGEST_ID
    return known and connection.scalar(select(c.id).where(c.id == int(case))) is not None
