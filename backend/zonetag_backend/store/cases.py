"""Cases, what was traced of them, and the notices that follow: written and read in the caller's transaction."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, delete, func, insert, or_, select, update

from zonetag_backend.errors import AlreadyThere, BadValue, NotFound
from zonetag_backend.store import restrictions, rows
from zonetag_backend.store.registry import new_id
from zonetag_backend.store.schema import person
from zonetag_backend.store.schema.cases import case_exposure, case_notice, case_record
from zonetag_backend.tracing.outcome import Outcome

BASES = ("onset", "test")

PHONE = "phone"  # a channel without a sender: an officer speaks to them


@dataclass(frozen=True, slots=True)
class Case:
    """A case as it stands."""

    id: int
    person: int
    name: str
    # empty: removed
    code: str
    profile: str
    onset_ms: int
    # beginning of the day of the first symptoms, or of the test
    basis: str
    # one of BASES
    opened_ms: int
    opened_by: str
    reason: str
    closed_ms: int | None
    traced_ms: int | None
    # when its contacts were last traced; none: not yet


@dataclass(frozen=True, slots=True)
class Told:
    """A day of an exposure as it was traced."""

    person: int
    generation: int
    day_ms: int
    evidence: str
    minutes: float
    together: bool
    probability: float


@dataclass(frozen=True, slots=True)
class Waiting:
    """A notice that has not gone out."""

    id: int
    person: int
    channel: str
    language: str
    text: str
    tries: int
    tried_ms: int | None


def open_case(
    connection: Connection, who: int, profile: str, onset_ms: int, basis: str, *, by: str, reason: str, now_ms: int
) -> int:
    """A new case; its id.  AlreadyThere while another of this person and disease is open."""
    if basis not in BASES:
        raise BadValue(f"the day is that of {' or '.join(BASES)}")
    if onset_ms > now_ms:
        raise BadValue("the day of a case lies in the future")
    if not reason.strip():
        raise BadValue("a case is opened for a reason: say which")
    c = case_record.c
    if connection.scalar(select(c.id).where(c.person == who, c.profile == profile, c.closed_ms.is_(None))) is not None:
        raise AlreadyThere("this person's case is open already: zonetag case list shows it")
    new = new_id()
    connection.execute(
        insert(case_record).values(
            id=new,
            person=who,
            profile=profile,
            onset_ms=onset_ms,
            basis=basis,
            opened_ms=now_ms,
            opened_by=by,
            reason=reason,
        )
    )
    return new


def close_case(connection: Connection, which: int, now_ms: int) -> None:
    """Close a case; what was traced stays until retention ends, what was not sent is sent no more."""
    case_of(connection, which)
    connection.execute(update(case_record).where(case_record.c.id == which).values(closed_ms=now_ms))


def case_of(connection: Connection, which: int, floor_ms: int = 0) -> Case:
    """One case; NotFound when there is none of this id, or nothing of it is as young as `floor_ms`."""
    found = _cases(connection, and_(case_record.c.id == which, kept(floor_ms)))
    if not found:
        raise NotFound(f"there is no case {which}: zonetag case list shows all")
    return found[0]


def cases(connection: Connection, floor_ms: int = 0) -> list[Case]:
    """All cases, the newest first; without those of which nothing is as young as `floor_ms`."""
    return _cases(connection, kept(floor_ms))


def kept(floor_ms: int) -> Any:
    """As `store.retention` keeps a case: while it, or anything that hangs on it, is young enough."""
    r, e, n = case_record.c, case_exposure.c, case_notice.c
    return or_(
        r.opened_ms >= floor_ms,
        select(e.case).where(e.case == r.id, e.last_ms >= floor_ms).exists(),
        select(n.id).where(n.case == r.id, n.made_ms >= floor_ms).exists(),
    )


def _cases(connection: Connection, where: Any) -> list[Case]:
    c = case_record.c
    rest = (c.profile, c.onset_ms, c.basis, c.opened_ms, c.opened_by, c.reason, c.closed_ms, c.traced_ms)
    statement = select(c.id, c.person, person.c.name, person.c.code, *rest).outerjoin(person, person.c.id == c.person)
    return [
        Case(id, who, name or "", code or "", *others)
        for id, who, name, code, *others in connection.execute(statement.where(where).order_by(c.opened_ms.desc()))
    ]


def keep_exposures(connection: Connection, which: int, traced: Outcome, now_ms: int) -> int:
    """What was traced of a case takes the place of what was traced before; how many rows.

    Whoever was there before keeps the time of the trace that found them first.
    """
    e = case_exposure.c
    first = select(e.person, func.min(e.traced_ms)).where(e.case == which).group_by(e.person)
    known: dict[int, int] = {row[0]: row[1] for row in connection.execute(first)}
    connection.execute(update(case_record).where(case_record.c.id == which).values(traced_ms=now_ms))
    connection.execute(delete(case_exposure).where(case_exposure.c.case == which))
    found = [
        (
            which,
            each.through.id,
            each.who.id,
            day.day_ms,
            day.evidence,
            each.generation,
            day.first_ms,
            day.last_ms,
            day.close_minutes if day.evidence == "direct" else day.together_minutes,
            day.close_low,
            day.close_high,
            day.probability,
            known.get(each.who.id, now_ms),
        )
        for each in traced.found
        for day in each.days
    ]
    rows.insert(connection, case_exposure, found)
    return len(found)


def exposures_of(connection: Connection, which: int, generation: int = 1, floor_ms: int = 0) -> dict[int, list[Told]]:
    """What was traced of one generation of a case, by person, in order of days; nothing from before `floor_ms`.

    Without those who have had their data restricted since.
    """
    c = case_exposure.c
    hidden = restrictions.everybody(connection)
    found: dict[int, list[Told]] = {}
    for row in connection.execute(
        select(c.person, c.generation, c.day_ms, c.evidence, c.minutes, c.probability)
        .where(c.case == which, c.generation == generation, c.last_ms >= floor_ms)
        .order_by(c.person, c.day_ms, c.evidence)
    ):
        if row[0] in hidden:
            continue
        told = Told(row[0], row[1], row[2], row[3], row[4], row[3] == "place", row[5])
        found.setdefault(told.person, []).append(told)
    return found


def add_notice(
    connection: Connection, which: int, who: int, *, channel: str, language: str, text: str, now_ms: int
) -> bool:
    """Put a notice in line; false, and nothing happens, when this person was told of this case by this channel."""
    c = case_notice.c
    known = select(c.id).where(c.case == which, c.person == who, c.channel == channel)
    if connection.scalar(known) is not None:
        return False
    new = (new_id(), which, who, channel, language, text, now_ms, None, 0, None, "")
    rows.insert(connection, case_notice, [new])
    return True


def waiting(connection: Connection, channels: Iterable[str]) -> list[Waiting]:
    """Notices of open cases that have not gone out, the oldest first.

    None to whoever had their data restricted, or was told by telephone meanwhile.
    """
    c = case_notice.c
    statement = (
        select(c.id, c.person, c.channel, c.language, c.text, c.tries, c.tried_ms)
        .join(case_record, case_record.c.id == c.case)
        .where(c.sent_ms.is_(None), c.channel.in_(list(channels)), case_record.c.closed_ms.is_(None), ~_phoned())
        .order_by(c.made_ms, c.id)
    )
    hidden = restrictions.everybody(connection)
    return [each for row in connection.execute(statement) if (each := Waiting(*row)).person not in hidden]


def claim(connection: Connection, notice: Waiting, now_ms: int) -> bool:
    """Count a try before it is made; false when another program has just made it, or nobody is to be told any more."""
    c = case_notice.c
    is_open = select(case_record.c.id).where(case_record.c.id == c.case, case_record.c.closed_ms.is_(None)).exists()
    mine = and_(c.id == notice.id, c.tries == notice.tries, c.sent_ms.is_(None), is_open, ~_phoned())
    if notice.person in restrictions.everybody(connection):
        return False
    changed = connection.execute(update(case_notice).where(mine).values(tries=c.tries + 1, tried_ms=now_ms))
    return changed.rowcount == 1


def answered(connection: Connection, notice: int, answer: str, sent_ms: int | None) -> None:
    """What the other side said; `sent_ms`: it took it, which a later answer to another try does not undo."""
    this = update(case_notice).where(case_notice.c.id == notice)
    if sent_ms is None:
        this = this.where(case_notice.c.sent_ms.is_(None))
    connection.execute(this.values(answer=answer, sent_ms=sent_ms))


def spoken(connection: Connection, which: int, who: int, answer: str, now_ms: int) -> int:
    """Somebody was told by telephone, and said that; the first time stays, a later answer takes the other's place.

    What waits to be sent to them of this case is withdrawn by it (`claim` gives it to no sender any more); how many.
    """
    c = case_notice.c
    told = and_(c.case == which, c.person == who, c.channel == PHONE)
    first = connection.execute(
        update(case_notice).where(told, c.sent_ms.is_(None)).values(tries=1, tried_ms=now_ms, sent_ms=now_ms)
    )
    if answer:
        connection.execute(update(case_notice).where(told).values(answer=answer))
    if not first.rowcount:
        return 0
    unsent = select(func.count()).where(c.case == which, c.person == who, c.channel != PHONE, c.sent_ms.is_(None))
    return connection.scalar(unsent) or 0


def _phoned() -> Any:
    """Whether the person of a notice was told of its case by telephone."""
    c, other = case_notice.c, case_notice.alias()
    same = (other.c.case == c.case, other.c.person == c.person, other.c.channel == PHONE)
    return select(other.c.id).where(*same, other.c.sent_ms.is_not(None)).exists()


def spoken_with(connection: Connection, which: int) -> set[int]:
    """Who was told by telephone."""
    c = case_notice.c
    return set(connection.scalars(select(c.person).where(c.case == which, c.channel == PHONE)))


def notices_of(connection: Connection, which: int, floor_ms: int = 0) -> Sequence[Any]:
    """Each notice of a case (person, channel, tries, sent_ms, answer) from `floor_ms` on, but to the restricted."""
    c = case_notice.c
    statement = select(c.person, c.channel, c.tries, c.sent_ms, c.answer).where(c.case == which, c.made_ms >= floor_ms)
    hidden = restrictions.everybody(connection)
    return [row for row in connection.execute(statement.order_by(c.made_ms)) if row.person not in hidden]
