"""Reminders of tags, put in line and sent.

Nobody gets one more often than once in so many days, whatever it is about; nobody gets one who does not want any.
Each try is counted before it is made, each answer kept after it.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, and_, delete, func, insert, select, update

from zonetag_backend.notices.delivery import Round
from zonetag_backend.notices.outgoing import Outgoing, Sender
from zonetag_backend.notices.schedule import is_due
from zonetag_backend.notices.settings import NoticeSettings, senders
from zonetag_backend.reports.reminder import FLAT, SILENT, reminder
from zonetag_backend.store import adoption, audit, rows
from zonetag_backend.store.adoption import WEEK_MS, Member
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.store.registry import new_id
from zonetag_backend.store.schema import office, person, wearing

DAY_MS = 86_400_000
_r, _off = office.reminder.c, office.reminder_off.c


@dataclass(frozen=True, slots=True)
class Due:
    """Somebody who would be reminded now."""

    member: Member
    cause: str
    # SILENT or FLAT


@dataclass(frozen=True, slots=True)
class Counts:
    """Reminders that are kept."""

    waiting: int
    sent: int
    failed: int
    # tried, and not taken so far


def due(of: Sequence[Member], causes: Collection[str], now_ms: int, every_days: int) -> list[Due]:
    """Who is to be reminded, of the staff; a tag that was handed out within the week has time yet.  Pure."""
    found = []
    for member in of:
        if not member.tag or member.off or member.restricted:
            continue
        if member.reminded_ms is not None and member.reminded_ms > now_ms - every_days * DAY_MS:
            continue
        cause = SILENT if not member.heard(now_ms) else FLAT if member.flat(now_ms) else ""
        new = cause == SILENT and member.since_ms is not None and member.since_ms > now_ms - WEEK_MS
        if cause in causes and not new:
            found.append(Due(member, cause))
    return found


def compose(
    connection: Connection,
    channels: Sequence[str],
    causes: Collection[str],
    *,
    language: str,
    signed: str,
    every_days: int,
    by: str,
    now_ms: int,
) -> int:
    """Put a reminder in line for everybody due and each channel, in this transaction; how many people."""
    members, _count = adoption.remindable(connection, causes, now_ms, every_days * DAY_MS)
    found = due(members, causes, now_ms, every_days)
    today = now_ms // DAY_MS
    for each in found:
        told = reminder(each.member.name, each.member.tag, each.cause, language=language, office=signed)
        text = f"{told.subject}\n\n{told.text}"
        rows.insert_new(
            connection,
            office.reminder,
            [
                (new_id(), each.member.person, each.cause, way, language, text, today, now_ms, by, None, 0, None, "")
                for way in channels
            ],
        )
    if found:
        audit.record(connection, now_ms, by, "reminder.send", len(found), ", ".join(sorted(causes)))
    return len(found)


def set_off(connection: Connection, who: int, off: bool, *, by: str, now_ms: int) -> bool:
    """Whether somebody wants no reminders; false when it stood so already.  What waits for them is sent no more."""
    stood = connection.scalar(select(_off.person).where(_off.person == who)) is not None
    if stood is off:
        return False
    if off:
        connection.execute(insert(office.reminder_off).values(person=who, since_ms=now_ms))
        connection.execute(delete(office.reminder).where(_r.person == who, _r.sent_ms.is_(None)))
    else:
        connection.execute(delete(office.reminder_off).where(_off.person == who))
    audit.record(connection, now_ms, by, "reminder.off" if off else "reminder.on", who)
    return True


def counts(connection: Connection) -> Counts:
    """How many wait, went out, and were not taken."""
    waits, failed = and_(_r.sent_ms.is_(None), _r.tries == 0), and_(_r.sent_ms.is_(None), _r.tries > 0)
    told = [
        connection.scalar(select(func.count()).select_from(office.reminder).where(which)) or 0
        for which in (waits, _r.sent_ms.is_not(None), failed)
    ]
    return Counts(*told)


def send_due(engine: Engine, ways: Mapping[str, Sender], clock: Callable[[], int]) -> tuple[int, int]:
    """Send what is due, one after another; (sent, failed).  `clock` gives UTC ms."""
    now_ms, this = clock(), Round(ways, clock)
    unrestricted = _r.person.not_in(select(office.restriction.c.person))
    statement = (
        select(_r.id, _r.person, _r.channel, _r.language, _r.text, _r.tries, _r.tried_ms, person.c.name, person.c.code)
        .join(person, person.c.id == _r.person)
        # Who has left, or given the tag back meanwhile, is not reminded of it.
        .where(_r.sent_ms.is_(None), _r.channel.in_(list(ways)), person.c.name != "")
        .where(_r.person.in_(select(wearing.c.person).where(wearing.c.until_ms.is_(None))))
        .where(unrestricted)
        .order_by(_r.made_ms, _r.id)
    )
    with reading(engine) as connection:
        waiting = [row for row in connection.execute(statement) if is_due(row.tries, row.tried_ms, now_ms)]
    sent = failed = 0
    for row in waiting:
        if not this.is_open(row.channel):
            continue
        mine = and_(_r.id == row.id, _r.tries == row.tries, _r.sent_ms.is_(None), unrestricted)
        with writing(engine) as connection:  # before the try: a program that is killed makes the next after a wait
            tried = update(office.reminder).where(mine).values(tries=_r.tries + 1, tried_ms=clock())
            if connection.execute(tried).rowcount != 1:
                continue  # another program has just made it, or they are to have none any more
        subject, _, text = row.text.partition("\n\n")
        answer, sent_ms = this.send(
            row.channel, Outgoing(row.id, row.code or "", row.name, row.language, subject, text)
        )
        sent += sent_ms is not None
        failed += sent_ms is None
        told = update(office.reminder).where(_r.id == row.id)
        if sent_ms is None:  # what another try brought there meanwhile stays
            told = told.where(_r.sent_ms.is_(None))
        with writing(engine) as connection:
            connection.execute(told.values(answer=answer, sent_ms=sent_ms))
    return sent, failed


def tell(engine: Engine, settings: NoticeSettings, clock: Callable[[], int]) -> None:
    """One round of a running server."""
    ways = senders(settings)
    if ways:
        send_due(engine, ways, clock)
