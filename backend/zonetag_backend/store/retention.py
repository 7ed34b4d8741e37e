"""What is older than the retention time goes, for good: rows, tables of days, and what the file still holds of them.

A table that holds anything about people is named in OLD or in PARENTS with the time that counts.  SQLite overwrites
what is deleted (secure_delete), and its log is emptied afterwards; PostgreSQL is made to vacuum.
"""

from collections import Counter
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Engine, Table, delete, inspect, or_, select, true
from sqlalchemy.schema import DropTable
from sqlalchemy.sql.elements import ColumnElement

from zonetag_backend.store import audit, departures, heard, postgresql, report_runs, subject_requests
from zonetag_backend.store.engine import writing
from zonetag_backend.store.schema import (
    accounts,
    cases,
    contacts,
    held,
    metadata,
    office,
    person,
    presence,
    rejected,
    visit,
    visit_correction,
    wearing,
)
from zonetag_backend.tracing.contacts import CURABLE

DAY_MS = 86_400_000
MARGIN_MS = 3_600_000  # it runs hourly: what would become too old within the hour goes now

OLD: list[tuple[Table, ColumnElement[int]]] = [
    (presence, presence.c.end_ms),
    (visit, visit.c.last_ms),
    (visit_correction, visit_correction.c.last_ms),
    (rejected, rejected.c.start_ms + rejected.c.span_ms),
    (contacts.contact_log, contacts.contact_log.c.start_ms),
    (contacts.contact_rejected, contacts.contact_rejected.c.start_ms),
    (cases.case_exposure, cases.case_exposure.c.last_ms),
    (cases.case_notice, cases.case_notice.c.made_ms),
    (cases.case_match, cases.case_match.c.end_ms),
    (accounts.reading_reason, accounts.reading_reason.c.asked_ms),
    (office.declaration, office.declaration.c.at_ms),
    (office.reminder, office.reminder.c.made_ms),
    (held.held_report, held.held_report.c.received_ms),
    (wearing, wearing.c.until_ms),  # none while the tag is worn, which is never "older"
]

# Rows that stand for what other rows hang on: they go when none of those is left.
Hangs = tuple[Table, ColumnElement[int], tuple[tuple[ColumnElement[int], ColumnElement[int]], ...]]
"""A table, the time that counts, and (column that refers to it, what it refers to)."""

PARENTS: list[Hangs] = [
    (
        cases.case_record,
        cases.case_record.c.opened_ms,
        (
            (cases.case_exposure.c.case, cases.case_record.c.id),
            (cases.case_notice.c.case, cases.case_record.c.id),
        ),
    ),
    (cases.case_foreign, cases.case_foreign.c.until_ms, ((cases.case_match.c.foreign, cases.case_foreign.c.id),)),
]


def horizon_ms(now_ms: int, days: int) -> int:
    """What ended before this is older than the retention time, or will be before the next round."""
    return now_ms - days * DAY_MS + MARGIN_MS


def _waited(table: Table, now_ms: int) -> ColumnElement[bool]:
    """Whether a row that seems too old may go: a contact record whose clock is not known may be of today.

    It waits a day, in which it is judged again (store/contact_repair.py).  None seems later than it was received.
    """
    if table is not contacts.contact_rejected:
        return true()
    c = table.c
    return or_(c.reason.not_in(CURABLE), c.received_ms < now_ms - DAY_MS)


def expire(engine: Engine, now_ms: int, days: int) -> Counter[str]:
    """One round, in one transaction; how many rows went, by table.  The audit log says that it took place."""
    before_ms = horizon_ms(now_ms, days)
    gone: Counter[str] = Counter()
    with writing(engine) as connection:
        for table, time in OLD:
            gone[table.name] += connection.execute(
                delete(table).where(time < before_ms, _waited(table, now_ms))
            ).rowcount
        for table, time, hanging in PARENTS:
            alone = [~select(child).where(child == parent).exists() for child, parent in hanging]
            gone[table.name] += connection.execute(delete(table).where(time < before_ms, *alone)).rowcount
        # Last: by then nothing is left that was heard of them.
        gone["person"] += departures.erase_before(connection, before_ms)
        gone["data_request"] += subject_requests.forget(connection, now_ms)
        gone["report"] += report_runs.fold(connection, before_ms)
        gone["heard"] += _drop_days(connection, before_ms)
        gone = +gone
        if gone:
            audit.record(connection, now_ms, audit.SYSTEM, "retention.expire", reason=_told(gone))
    empty_log(engine, "person" in gone)
    return gone


def _drop_days(connection: Connection, before_ms: int) -> int:
    """Whole days are dropped; of the day in which the horizon lies, what is older is deleted."""
    horizon = datetime.fromtimestamp(before_ms / 1000, UTC)
    gone = 0
    for name in sorted(inspect(connection).get_table_names()):
        if not name.startswith(heard.PREFIX):
            continue
        day = name.removeprefix(heard.PREFIX)
        table = heard.table_of_day(day)
        begins = datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC)
        if begins + timedelta(days=1) <= horizon:
            connection.execute(DropTable(table))
            gone += 1
        elif begins < horizon:
            gone += connection.execute(delete(table).where(table.c.start_ms + table.c.span_ms < before_ms)).rowcount
    return gone


def empty_log(engine: Engine, erased: bool = True) -> None:
    """Take what is gone out of the files too; `erased`: a person is among it.

    SQLite's write-ahead log still holds pages as they were: copy them home and cut it to nothing.  PostgreSQL leaves
    what was deleted in its tables' files until they are vacuumed: those that tell who somebody is are written anew.
    Its log it overwrites by and by (docs/en/keeping.md).
    """
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    elif engine.dialect.name == postgresql.NAME:
        of_people = {t.name for t in metadata.sorted_tables if any(c.references(person.c.id) for c in t.c)}
        anew = of_people | {person.name} if erased else set()
        postgresql.vacuum(engine, sorted(anew), anew=True)
        postgresql.vacuum(engine, sorted(set(inspect(engine).get_table_names()) - anew), anew=False)


def _told(gone: Counter[str]) -> str:
    return ", ".join(f"{name} {rows}" for name, rows in sorted(gone.items()))
