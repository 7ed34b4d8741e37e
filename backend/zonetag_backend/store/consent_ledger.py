"""Who agreed to what, and withdrew it: a ledger that only grows.  Each entry stands in the audit log's chain too.

Nothing is agreed to until somebody says so.  Inside the caller's transaction.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Select, and_, exists, func, insert, select, true

from zonetag_backend.errors import BadValue
from zonetag_backend.store import audit
from zonetag_backend.store.registry import clean_text
from zonetag_backend.store.schema.office import consent_entry, visitor

BOOK, TRACING, HEALTH, REMINDERS = "book", "tracing", "health", "reminders"
PURPOSES = (BOOK, TRACING, HEALTH, REMINDERS)
NEEDED = (BOOK, TRACING)  # without these nobody should wear a tag
PAPER, SCREEN = "paper", "screen"
LONGEST_VERSION = 32


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger."""

    purpose: str
    given: bool
    # else withdrawn
    at_ms: int
    how: str
    # PAPER or SCREEN
    version: str
    # of the text that was agreed to
    made_by: str


def note(
    connection: Connection,
    who: int,
    purposes: Iterable[str],
    *,
    given: bool,
    how: str,
    version: str,
    by: str,
    now_ms: int,
) -> int:
    """Write down what somebody agreed to, or withdrew; how many lines are new.  What holds already makes none."""
    wanted = list(dict.fromkeys(purposes))
    if not wanted or set(wanted) - set(PURPOSES) or how not in (PAPER, SCREEN):
        raise BadValue(f"a purpose is one of {', '.join(PURPOSES)}, and it was said on paper or screen")
    version = clean_text(version, "the version of the text", LONGEST_VERSION)
    last = {each.purpose: each for each in entries(connection, who)}
    new = 0
    for purpose in wanted:
        known = last.get(purpose)
        if (known is not None and known.given) is given:
            continue
        at_ms = now_ms if known is None else max(now_ms, known.at_ms + 1)  # also when the clock went back
        row = {"person": who, "purpose": purpose, "at_ms": at_ms, "given": given, "how": how, "version": version}
        connection.execute(insert(consent_entry).values(**row, made_by=by))
        code = "agreement.give" if given else "agreement.withdraw"
        audit.record(connection, now_ms, by, code, who, f"{purpose}, {how}, {version}")
        new += 1
    return new


def entries(connection: Connection, who: int) -> list[Entry]:
    """The whole ledger of a person, the oldest first."""
    c = consent_entry.c
    columns = (c.purpose, c.given, c.at_ms, c.how, c.version, c.made_by)
    rows = connection.execute(select(*columns).where(c.person == who).order_by(c.at_ms, c.purpose))
    return [Entry(*row) for row in rows]


def given(connection: Connection, which: Collection[int] | None = None) -> dict[int, frozenset[str]]:
    """What each person, or each of `which`, has agreed to now; who has agreed to nothing is not there."""
    c = consent_entry.c
    of = true() if which is None else c.person.in_(list(which))
    last = (
        select(c.person, c.purpose, func.max(c.at_ms).label("at_ms")).where(of).group_by(c.person, c.purpose).subquery()
    )
    rows = select(c.person, c.purpose).join(
        last, (last.c.person == c.person) & (last.c.purpose == c.purpose) & (last.c.at_ms == c.at_ms)
    )
    found: dict[int, set[str]] = {}
    for who, purpose in connection.execute(rows.where(c.given.is_(True))):
        found.setdefault(who, set()).add(purpose)
    return {who: frozenset(purposes) for who, purposes in found.items()}


def agreed() -> Select[tuple[int]]:
    """Who has agreed to all that a tag needs, for other statements."""
    c, later = consent_entry.c, consent_entry.alias()
    same = and_(later.c.person == c.person, later.c.purpose == c.purpose, later.c.at_ms > c.at_ms)
    holds = and_(c.purpose.in_(NEEDED), c.given.is_(True), ~exists().where(same))
    return select(c.person).where(holds).group_by(c.person).having(func.count() == len(NEEDED))


def withdrawn(connection: Connection, purpose: str) -> frozenset[int]:
    """Who had agreed to a purpose and took it back."""
    c = consent_entry.c
    last = select(c.person, func.max(c.at_ms).label("at_ms")).where(c.purpose == purpose).group_by(c.person).subquery()
    same = (c.person == last.c.person) & (c.at_ms == last.c.at_ms) & (c.purpose == purpose)
    return frozenset(connection.scalars(select(c.person).join(last, same).where(c.given.is_(False))))


def missing(connection: Connection, who: int) -> tuple[str, ...]:
    """What somebody has not agreed to and should have before wearing a tag; of a visitor nothing is asked here."""
    if connection.scalar(select(visitor.c.person).where(visitor.c.person == who)) is not None:
        return ()
    held = {each.purpose for each in _now(entries(connection, who)) if each.given}
    return tuple(purpose for purpose in NEEDED if purpose not in held)


def note_handed_out(connection: Connection, who: int, by: str, now_ms: int) -> tuple[str, ...]:
    """A tag was handed to somebody: what they have not agreed to, which is put into the audit log."""
    lacking = missing(connection, who)
    note_missing(connection, {who: lacking} if lacking else {}, by, now_ms)
    return lacking


def lacking_of(connection: Connection, people: Iterable[int]) -> dict[int, tuple[str, ...]]:
    """What each of the staff has not agreed to, as `missing` says it; who has agreed to all is not there."""
    held = given(connection)
    found = {who: tuple(each for each in NEEDED if each not in held.get(who, frozenset())) for who in people}
    return {who: purposes for who, purposes in found.items() if purposes}


def note_missing(connection: Connection, lacking: Mapping[int, Sequence[str]], by: str, now_ms: int) -> None:
    """Tags were handed to people who have not agreed to all: that stands in the audit log."""
    told = [("agreement.missing", who, ", ".join(purposes)) for who, purposes in lacking.items()]
    audit.record_all(connection, now_ms, by, told)


def _now(of: Iterable[Entry]) -> list[Entry]:
    return list({each.purpose: each for each in of}.values())
