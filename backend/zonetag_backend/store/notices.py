"""Notices of a case, put in line and sent: each try is counted before it is made, each answer kept after it."""

from collections.abc import Callable, Mapping
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine

from zonetag_backend.notices.delivery import Round
from zonetag_backend.notices.outgoing import Outgoing, Sender
from zonetag_backend.notices.schedule import is_due
from zonetag_backend.notices.settings import NoticeSettings, senders
from zonetag_backend.reports.notice import Reason, notice
from zonetag_backend.store import cases, visitors
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.store.tracing import names, timezone

TELL_EVERY_S = 60.0  # the first wait of a notice that was not taken


def compose(  # a notice says as much
    connection: Connection,
    which: int,
    channels: list[str],
    *,
    language: str,
    office: str,
    now_ms: int,
    floor_ms: int = 0,
    only: int | None = None,
) -> int:
    """Put a notice in line for each F1 of a case and each channel; how many are new.  Nobody is told twice.

    `only`: that person alone.  Whoever was told by telephone is not written to.  Nothing from before `floor_ms` is told
    of, and nobody is told who had their data restricted.
    """
    case = cases.case_of(connection, which, floor_ms)
    zone = ZoneInfo(timezone(connection))
    exposed = cases.exposures_of(connection, which, floor_ms=floor_ms)
    known = names(connection, exposed)
    spoken = cases.spoken_with(connection, which) if only is None else set()
    new = 0
    for who, days in exposed.items():
        name, _, _ = known.get(who, ("", "", ""))
        if not name or who in spoken or only not in (None, who):
            continue  # without a name: removed, and nobody is to be reached under that number any more
        reasons = [Reason(day.day_ms, day.evidence, day.minutes, day.probability) for day in days]
        told = notice(name, reasons, profile=case.profile, language=language, zone=zone, office=office)
        for channel in channels:
            # The subject is the first line of what is kept.
            text = f"{told.subject}\n\n{told.text}"
            new += cases.add_notice(
                connection, which, who, channel=channel, language=language, text=text, now_ms=now_ms
            )
    return new


def send_due(engine: Engine, ways: Mapping[str, Sender], clock: Callable[[], int]) -> tuple[int, int]:
    """Send what is due, one after another; (sent, failed).  `clock` gives UTC ms.

    At least once: the try is committed before it is made, its outcome after it.  A program that is killed between the
    two, when nobody knows whether it went out, makes the next try after the usual wait and under the same number, by
    which the receiver knows it and drops it: to be told twice is better than never.
    """
    sent = failed = 0
    now_ms, this = clock(), Round(ways, clock)
    with reading(engine) as connection:
        due = [each for each in cases.waiting(connection, ways) if is_due(each.tries, each.tried_ms, now_ms)]
        people = names(connection, {each.person for each in due})
        phones = visitors.phones(connection)
    for each in due:
        if not this.is_open(each.channel):
            continue
        with writing(engine) as connection:
            if not cases.claim(connection, each, clock()):
                continue
        name, _, code = people.get(each.person, ("", "", ""))
        subject, _, text = each.text.partition("\n\n")
        outgoing = Outgoing(each.id, code, name, each.language, subject, text, phones.get(each.person, ""))
        answer, sent_ms = this.send(each.channel, outgoing)
        sent += sent_ms is not None
        failed += sent_ms is None
        with writing(engine) as connection:
            cases.answered(connection, each.id, answer, sent_ms)
    return sent, failed


def tell(engine: Engine, settings: NoticeSettings, clock: Callable[[], int]) -> None:
    """One round of a running server: what could not be sent before is tried again."""
    ways = senders(settings)
    if ways:
        send_due(engine, ways, clock)
